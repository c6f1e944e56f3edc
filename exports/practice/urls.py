from django.urls import path

from exports.practice.views import EventViewSet
from exports.practice.webhooks import WebhookDeliveryViewSet, WebhookEndpointViewSet

ENDPOINTS = "webhook-endpoints"
ENDPOINT = f"{ENDPOINTS}/<endpoint_uuid>"

urlpatterns = [
    path("events", EventViewSet.as_view({"get": "list"})),
    path(ENDPOINTS, WebhookEndpointViewSet.as_view({"get": "list", "post": "create"})),
    path(ENDPOINT, WebhookEndpointViewSet.as_view({"get": "retrieve", "patch": "partial_update"})),
    path(f"{ENDPOINT}/archive", WebhookEndpointViewSet.as_view({"post": "archive"})),
    path(f"{ENDPOINT}/rotate-secret", WebhookEndpointViewSet.as_view({"post": "rotate_secret"})),
    path(f"{ENDPOINT}/test", WebhookEndpointViewSet.as_view({"post": "send_test"})),
    path(f"{ENDPOINT}/replay", WebhookEndpointViewSet.as_view({"post": "replay"})),
    path(f"{ENDPOINT}/deliveries", WebhookDeliveryViewSet.as_view({"get": "list"})),
]
