from exports.public.views import VIEWS

urlpatterns = [line for view in VIEWS for line in view.paths()]
