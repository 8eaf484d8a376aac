"""Django's settings: one file, everything that differs between machines comes from `KHANA_*`.

`KHANA_DB_ROLE` says as which of the three database roles this process runs: `web` for the web
server, `worker` for commands and jobs, `owner` for migrations only. `KHANA_ENV=production`
turns on what a public address needs and refuses sample logins.
"""

from __future__ import annotations

import os
from pathlib import Path

from csp.constants import NONE, SELF

from khana.platform import embedded
from khana.platform.secrets_store import get_secret

ENV = os.environ.get("KHANA_ENV", "development")
IS_PRODUCTION = ENV == "production"
DEBUG = False
SECRET_KEY = get_secret("web")
ALLOWED_HOSTS = [
    host for host in os.environ.get("KHANA_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",") if host
]
BASE = Path(__file__).resolve().parents[1]

ROOMS = [
    "platform", "audit", "geo", "access", "deliveries", "registry", "identity", "intake", "linkage",
    "assessment", "programmes", "beneficiaries", "payments", "grievances", "monitoring", "sharing",
]  # fmt: skip
INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    *[f"khana.{room}.apps.{room.capitalize()}Config" for room in ROOMS],
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "khana.interfaces.web.middleware.ScopedRequests",
]
ROOT_URLCONF = "khana_settings.urls"
WSGI_APPLICATION = "khana_settings.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "khana" / "interfaces" / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "khana.interfaces.web.context.page",
            ],
            "libraries": {"khana": "khana.interfaces.web.tags"},
        },
    },
]

DB_ROLE = os.environ.get("KHANA_DB_ROLE", "worker")
_address = embedded.address()


def _database(role: str) -> dict[str, object]:
    parameters = embedded.connection_parameters(role)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parameters.get("dbname"),
        "USER": parameters.get("user"),
        "PASSWORD": parameters.get("password", ""),
        "HOST": parameters.get("host", ""),
        "PORT": parameters.get("port", ""),
        "CONN_MAX_AGE": 0,
        "ATOMIC_REQUESTS": False,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {
            **embedded.transport(),
            **({"pool": {"min_size": 1, "max_size": 12}} if role == "web" and DB_ROLE == "web" else {}),
        },
    }


DATABASES = {"default": _database(DB_ROLE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# a name with this prefix binds a cookie to this very host; browsers take it over TLS only
_ONLY_HERE = "__Host-" if IS_PRODUCTION else ""
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = IS_PRODUCTION
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_NAME = f"{_ONLY_HERE}khana_session"
CSRF_COOKIE_NAME = f"{_ONLY_HERE}csrftoken"
CSRF_COOKIE_SECURE = IS_PRODUCTION
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "khana.interfaces.web.errors.pages.stale_form"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if IS_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_REDIRECT_EXEMPT = [r"^health$"]  # asked by this machine itself; tells nothing of anybody
SECURE_SSL_REDIRECT = IS_PRODUCTION and os.environ.get("KHANA_TLS_ELSEWHERE") != "1"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ur", "اردو"), ("bn", "বাংলা")]
LOCALE_PATHS = [BASE / "khana" / "interfaces" / "web" / "locale"]
LANGUAGE_COOKIE_NAME = f"{_ONLY_HERE}khana_language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"


def _of_files(headers: dict[str, str], _path: str, _url: str) -> None:
    headers["Content-Security-Policy"] = "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"


STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE / "khana" / "interfaces" / "web" / "static"]
STATIC_ROOT = None  # served from the folders themselves, with their gzip twins
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_ADD_HEADERS_FUNCTION = _of_files
WHITENOISE_MAX_AGE = 3600 if IS_PRODUCTION else 60
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4000

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "khana.platform.log_lines.JsonLines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"django.db.backends": {"level": "ERROR"}, "psycopg": {"level": "ERROR"}},
}
