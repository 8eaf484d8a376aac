"""Addresses of forms, submissions, the desk and telephones."""

from __future__ import annotations

from django.urls import path

from khana.interfaces.web.intake import desk, forms, slip, views

urlpatterns = [
    path("intake", views.submissions, name="intake"),
    path("intake/<int:number>", views.submission, name="intake-submission"),
    path("intake/<int:number>/settle", views.settle, name="intake-settle"),
    path("intake/<int:number>/file/<int:part>", views.attachment, name="intake-file"),
    path("intake/<int:number>/slip", views.slip, name="intake-slip"),
    path("slip/<str:code>", slip.slip_state, name="slip-state"),
    path("intake/telephone", views.telephone, name="intake-telephone"),
    path("intake/desk", desk.desk, name="intake-desk"),
    path("intake/desk/<str:code>/open", desk.open_form, name="intake-open"),
    path("intake/desk/<str:code>/fill", desk.fill, name="intake-fill"),
    path("intake/desk/<str:code>/arrived", desk.fill_arrived, name="intake-fill-arrived"),
    path("intake/desk/<str:code>/xform", desk.fill_xform, name="intake-fill-xform"),
    path("intake/desk/<str:code>/known/<uuid:uid>", desk.fill_known, name="intake-fill-known"),
    path("intake/desk/<str:code>/media/<str:name>", desk.fill_media, name="intake-fill-media"),
    path("intake/desk/<str:code>/send", desk.fill_send, name="intake-fill-send"),
    path("intake/forms", forms.forms, name="intake-forms"),
    path("intake/forms/add", forms.add, name="intake-form-add"),
    path("intake/forms/<str:code>/<str:version>", forms.form, name="intake-form"),
    path("intake/forms/<str:code>/<str:version>/withdraw", forms.withdraw, name="intake-form-withdraw"),
    path("intake/forms/<str:code>/<str:version>/workbook", forms.workbook, name="intake-form-workbook"),
]
