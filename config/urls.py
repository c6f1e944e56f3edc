"""Table of contents."""
urlpatterns = []
