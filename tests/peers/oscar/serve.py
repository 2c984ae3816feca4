"""Serves the peer shop on loopback until it is stopped: python serve.py PORT

Two processes of four threads each, connections kept alive, no access log. The
process becomes gunicorn's master, so ending it (SIGTERM) ends the workers too.
"""

import os
import sys

if len(sys.argv) != 2 or not sys.argv[1].isdigit():
    sys.exit(__doc__)

here = os.path.dirname(os.path.abspath(__file__))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
os.execv(
    sys.executable,
    [sys.executable, "-m", "gunicorn"]
    + ["--chdir", here, "--bind", f"127.0.0.1:{sys.argv[1]}"]
    + ["--worker-class", "gthread", "--workers", "2", "--threads", "4"]
    + ["--keep-alive", "75", "--log-level", "warning"]
    + ["django.core.wsgi:get_wsgi_application()"],
)
