"""Settings from the environment: safe by default, loud on error (Spec: 12 section 5)."""

from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF

from instainstru import environment
from instainstru.database import tiers
from instainstru.secret_key import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
tiers.load_dotenv(BASE_DIR / ".env")
env = environ.Env()

# --- Tier: decided once, before anything can open a connection -----------------------------------
DECISION = tiers.decision()
IS_PROD = DECISION.tier is tiers.Tier.PROD
DATABASES = tiers.database_settings(DECISION)
DATABASE_ROUTERS = ["instainstru.database.router.TierRouter"]
VAR_DIR = tiers.var_dir()
CACHE_URL, BROKER_URL = tiers.valkey_urls(DECISION)

# --- Identity ------------------------------------------------------------------------------------
DEBUG = environment.flag("DEBUG")
SECRET_KEY = secret_key(DECISION.tier, env.str("SECRET_KEY", default=""), VAR_DIR)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if IS_PROD else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
PORT = environment.whole_number("PORT", default=8000, least=1, most=65_535)
SITE_URL = environment.site_address("SITE_URL", default=f"http://127.0.0.1:{PORT}")
TRUSTED_PROXY_COUNT = environment.whole_number("TRUSTED_PROXY_COUNT", default=0, least=0, most=10)
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# --- Applications --------------------------------------------------------------------------------
INSTALLED_APPS = [
    "instainstru.apps.InstaInstruConfig",
    "privacy",
    "analytics",
    "accounts.apps.AccountsConfig",
    "catalog",
    "bookings.availability",
    "bookings.payments",
    "bookings.notifications",
    "bookings.lessons",
    "bookings.calendars",
    "bookings.messages",
    "bookings.reviews",
    "search",
    "accounts.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_celery_beat",
    "django_htmx",
    "guardian",
    "lucide",
    "template_partials",
]

MIDDLEWARE = [
    "search.search_id.SearchIdMiddleware",
    "instainstru.page_store.middleware.PageStoreMiddleware",
    "instainstru.logging.RequestLogMiddleware",
    "instainstru.request_facts.RequestFactsMiddleware",
    "instainstru.browser_rules.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "instainstru.compression.LivePagesMiddleware",
    "csp.middleware.CSPMiddleware",
    "instainstru.database.middleware.TierHeaderMiddleware",
    "instainstru.database.middleware.ReplicaMiddleware",
    "instainstru.health.DatabaseDownMiddleware",
    "instainstru.robots.NoIndexMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sessions.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.guests.GuestKeyMiddleware",
    "instainstru.access.AccessMiddleware",
    "accounts.enrolment.EnrolmentMiddleware",
    "accounts.viewing.ViewingMiddleware",
    "instainstru.errors_middleware.ApplicationErrorMiddleware",
]

ROOT_URLCONF = "instainstru.urls"
WSGI_APPLICATION = "instainstru.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "instainstru.context.site",
            ],
        },
    },
]

# --- Accounts (Spec: 02 section 1) ---------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.AccountBackend", "accounts.backends.GrantBackend"]
LOGIN_URL = "account_login"
ADMIN_PATH = environment.folder("ADMIN_PATH", default="admin/")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupDetailsForm"
ACCOUNT_FORMS = {
    "login": "accounts.entrance_forms.SignInForm",
    "signup": "accounts.entrance_forms.SignUpForm",
    "confirm_email_verification_code": "accounts.entrance_forms.VerificationCodeForm",
    "reset_password": "accounts.entrance_forms.ResetRequestForm",
    "reset_password_from_key": "accounts.entrance_forms.NewPasswordForm",
    "reauthenticate": "accounts.security_forms.AskAgainForm",
    "change_password": "accounts.security_forms.ChangePasswordForm",
}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "accounts.second_step_adapter.SecondStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODE_COUNT = 10
MFA_TOTP_ISSUER = "InstaInstru"
MFA_TOTP_TOLERANCE = 1  # the neighbours of the current half minute, for clocks that are off
# Lets people with a second step change their e-mail; safe, as nobody signs in unverified.
MFA_ALLOW_UNVERIFIED_EMAIL = True
USERSESSIONS_TRACK_ACTIVITY = True  # by our own middleware, once in 5 minutes
USER_SESSION = {"idle": timedelta(days=14), "absolute": timedelta(days=30)}
STAFF_SESSION = {"idle": timedelta(minutes=30), "absolute": timedelta(hours=12)}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
PASSWORD_RESET_TIMEOUT = 1800
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "accounts.password_rules.MaximumLengthValidator"},
    {"NAME": "accounts.password_rules.OwnWordsValidator"},
    {"NAME": "accounts.password_rules.BrandWordsValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.password_rules.BreachedPasswordValidator"},
]
# Axes counts; the sign-in page asks it and answers 429 itself (accounts.sign_in_limits).
AXES_HANDLER = "accounts.sign_in_limits.FailureHandler"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_LOCK_OUT_AT_FAILURE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "accounts.sign_in_limits.account_of_try"
AXES_CLIENT_IP_CALLABLE = "instainstru.http.client_network"
AXES_IPWARE_PROXY_COUNT = TRUSTED_PROXY_COUNT
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "login", "oldpassword", "next"]

SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # the e-mail is unique without regard to case by the constraint user_email_unique
    "axes.W002",  # axes only counts, so neither its middleware
    "axes.W003",  # nor its authentication backend is there,
    "axes.W006",  # and the account counts alone, whatever the address or browser
    "guardian.W001",  # its backend with an end in time is accounts.backends.GrantBackend
]
# Grants stand in tables of their own (accounts.models.grants); nobody is anybody (Spec: S5.5).
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False

# --- Sessions, cookies, transport (Spec: S17.1) --------------------------------------------------
IS_HTTPS = SITE_URL.startswith("https://")
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-sessionid" if IS_HTTPS else "sessionid"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "instainstru.error_handlers.csrf_failure"
CSRF_COOKIE_NAME = "__Host-csrftoken" if IS_HTTPS else "csrftoken"
WROTE_COOKIE_NAME = "__Host-wrote" if IS_HTTPS else "wrote"
GUEST_COOKIE_NAME = "__Host-guest" if IS_HTTPS else "guest"
ANALYTICS_COOKIE_NAME = "__Host-analytics" if IS_HTTPS else "analytics"
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_REFERRER_POLICY = "strict-origin"
X_FRAME_OPTIONS = "DENY"
# Browsers hold the redirect after a form to this, too.
FORM_TARGETS: list[str] = [SELF]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": FORM_TARGETS,
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "report-uri": "/csp-report/",
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "instainstru.uploads.BodyLimitHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# --- Cache, tasks (Spec: S1.19, S4.1, S4.2, S4.4) ------------------------------------------------
CACHES = {
    "default": {
        "BACKEND": "instainstru.database.cache.TierCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": f"ii:{DECISION.tier.value}",
        "TIMEOUT": 300,
        "OPTIONS": {
            # A lost cache makes pages slower, never wrong (Spec: S16.4).
            "IGNORE_EXCEPTIONS": True,
            "CLIENT_CLASS": "instainstru.database.cache.TierClient",
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
        },
    }
}
CELERY_BROKER_URL = BROKER_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 100
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"ii:{DECISION.tier.value}:broker:",
    "visibility_timeout": 600,
    # A request tries to wake a worker once: the row is stored and the sweep finds it (Spec: S4.1).
    "max_retries": 0,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "America/New_York"
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- Mail: rows first, delivered by the worker (Spec: R15, S13.7) --------------------------------
EMAIL_BACKEND = "bookings.notifications.mail.OutboxEmailBackend"
EMAIL_URL = env.str("EMAIL_URL", default="")
DEFAULT_FROM_EMAIL = "InstaInstru <hello@instainstru.com>"
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="help@instainstru.com")

# --- Text messages: rows first, too (Spec: S13.6) -------------------------------------------------
TEXT_URL = env.str("TEXT_URL", default="")
TEXT_SECRET = env.str("TEXT_SECRET", default="")

# --- API (Spec: S17.14) --------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["instainstru.api_rules.SessionPerson"],
    "DEFAULT_PERMISSION_CLASSES": ["instainstru.api_rules.DeclaredAccess"],
    "DEFAULT_PARSER_CLASSES": ["instainstru.api_rules.JsonBody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "instainstru.api_rules.OnlyJson",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "instainstru.api_rules.answer_error",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "InstaInstru",
    "VERSION": "1",
    "DESCRIPTION": "What the pages do, for programs: same rules, same refusals.",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["instainstru.api_schema.add_refusals"],
}

# --- Payments (Spec: S14.1) ----------------------------------------------------------------------
PAYMENT_GATEWAY = env.str("PAYMENT_GATEWAY", default="test")
if PAYMENT_GATEWAY == "stripe":
    # Where cards are typed, and bank details.
    FORM_TARGETS += ["https://checkout.stripe.com", "https://connect.stripe.com"]
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
# The first encrypts tax records, all of them decrypt (Spec: S14.12).
TAX_RECORD_KEYS = env.list("TAX_RECORD_KEYS", default=[])

# --- Language, time ------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "instainstru.bundling.BundlingStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
# Pages name hashed files only; keeping and compressing both would double the first start.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
MEDIA_ROOT = env.path("MEDIA_ROOT", default=VAR_DIR / "media")

# --- Backups (Spec: 12 section 3) ----------------------------------------------------------------
BACKUP_KEY = env.str("BACKUP_KEY", default="")
BACKUP_DIR = Path(env.str("BACKUP_DIR", default="") or VAR_DIR / "backups").absolute()

# --- Search (Spec: S8.10) ------------------------------------------------------------------------
# How near the best service must be, as a cosine: to be meant, and to be close (S8.9). How often
# these are right is in docs/benchmarks.md; another model needs others.
SEARCH_SURE_COSINE = env.float("SEARCH_SURE_COSINE", default=0.50)
SEARCH_CLOSE_COSINE = env.float("SEARCH_CLOSE_COSINE", default=0.42)
EMBEDDING_MODEL_DIR = env.str("EMBEDDING_MODEL_DIR", default="")
MODEL_DIR = VAR_DIR / "models"

# --- Logs ----------------------------------------------------------------------------------------
LOG_LEVEL = environment.one_of(
    "LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), default="INFO"
)
LOGGING_CONFIG = "instainstru.logging.configure"
LOGGING = {"level": LOG_LEVEL}
