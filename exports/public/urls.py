from exports.public.views import REPORTS

urlpatterns = [line for name, view in REPORTS.items() for line in view.paths(name)]
