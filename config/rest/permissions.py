"""Whether the caller's role may do what an action does."""

from rest_framework.permissions import BasePermission


class RolePermission(BasePermission):
    """Allows the roles of the permission that the view's action requires."""

    def has_permission(self, request, view):
        return request.user.role in view.required_permission.roles


class DenyAll(BasePermission):
    """REST framework's default here: a view that does not stand on our own base view responds to nobody."""

    def has_permission(self, request, view):
        return False
