"""Settings of the peer shop: django-oscar as a careful operator would run it.

The starting point is the list in Oscar's "getting started" guide. What differs
from it is marked "for speed" and is always in Oscar's favour.

PEER_POSTGRES      the database, postgres://user[:password]@host[:port]/name
PEER_COUNT_VIEWS   "on" keeps Oscar's view counter (see shop.py); default off
"""

import os
from urllib.parse import unquote, urlsplit

import oscar
from oscar.defaults import *  # noqa: F401,F403

DEBUG = False
# Only ever reached over loopback; nothing secret is signed with this.
SECRET_KEY = "a shop that is only measured"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
SITE_ID = 1

_db = urlsplit(os.environ["PEER_POSTGRES"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(_db.path.lstrip("/")),
        "USER": unquote(_db.username or ""),
        "PASSWORD": unquote(_db.password or ""),
        "HOST": _db.hostname or "",
        "PORT": str(_db.port or ""),
        # For speed: a thread keeps its connection for good.
        "CONN_MAX_AGE": None,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

INSTALLED_APPS = list(oscar.INSTALLED_APPS)

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
]

AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]

# With DEBUG off and no "loaders" named, Django compiles each template once.
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ],
        },
    }
]

ROOT_URLCONF = "shop"

# For speed: a shop in one language needs no translation of each phrase.
LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# Addresses only: neither static nor media files are served by this process.
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
OSCAR_THUMBNAILER = "shop.OriginalImages"

# Search and the catalogue's lists both go through Haystack. See shop.py.
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "shop.DatabaseEngine"}}
# PostgreSQL keeps the index itself, so no save needs to be passed on.
HAYSTACK_SIGNAL_PROCESSOR = "haystack.signals.BaseSignalProcessor"
