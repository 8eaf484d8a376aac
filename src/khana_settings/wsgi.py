"""The WSGI entry that the web server loads."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khana_settings.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
