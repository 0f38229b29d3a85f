"""What Django, its apps and the building keep: declared here, since they do not know privacy."""

from privacy.registry import Basis, Erasure, Holding, Nobody, Store, Use, register

SAFETY = "So that rules hold while the cache is away, and nobody tries passwords without end"
PROOF = "To prove who did what with production data"

register(
    [
        Nobody(model="contenttypes.ContentType", why="names of models"),
        Nobody(model="auth.Permission", why="names of permissions", plain=("name",)),
        Nobody(model="auth.Group", why="names of roles", plain=("name",)),
        Nobody(model="auth.Group_permissions", why="what roles may do"),
        Nobody(
            model="django_celery_beat.SolarSchedule", why="the schedule of jobs; declared in code"
        ),
        Nobody(model="django_celery_beat.IntervalSchedule", why="the schedule of jobs"),
        Nobody(model="django_celery_beat.ClockedSchedule", why="the schedule of jobs"),
        Nobody(model="django_celery_beat.CrontabSchedule", why="the schedule of jobs"),
        Nobody(model="django_celery_beat.PeriodicTasks", why="the schedule of jobs"),
        Nobody(
            model="django_celery_beat.PeriodicTask",
            why="jobs without arguments about people",
            plain=("name",),
        ),
        Holding(
            model="privacy.Consent",
            subjects=("user",),
            use=Use(
                purpose="To show what somebody agreed to, when and in which words",
                basis=Basis.LAW,
                erasure=Erasure.DELETE,
                retention="until the account is closed",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="instainstru.RateLimitWindow",
            subjects=("key",),
            use=Use(
                purpose=SAFETY,
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention="until the window of the limit has passed, a day at most",
                not_exported="a digest that nobody can be found by",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="sessions.Session",
            subjects=("session_data",),
            use=Use(
                purpose="To keep somebody signed in",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="14 days after the last sign-in",
                not_exported="tokens; the export lists where somebody is signed in",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="admin.LogEntry",
            subjects=("user",),
            use=Use(
                purpose="To show which of the staff changed what",
                basis=Basis.INTEREST,
                erasure=Erasure.ANONYMISE,
                retention="2 years",
                not_exported="internal record of the staff's work",
            ),
            is_left_out_of_copies=True,
        ),
        Store(
            name="cache",
            use=Use(
                purpose="To answer faster: pages and sessions, digests of addresses for limits",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="as long as its source, 14 days at most",
                not_exported="copies of what the export holds",
            ),
        ),
        Store(
            name="broker queues",
            use=Use(
                purpose="To wake jobs up; messages carry ids alone, results are not kept",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until the job has run",
                not_exported="ids alone",
            ),
        ),
        Store(
            name="application logs",
            use=Use(
                purpose="To find faults; a keyed digest stands for the person",
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention="30 days",
                not_exported="no personal data",
            ),
        ),
        Store(
            name="database_audit.jsonl",
            use=Use(
                purpose=f"{PROOF}: accounts of the operating system, no customers",
                basis=Basis.INTEREST,
                erasure=Erasure.ANONYMISE,
                retention="2 years",
                not_exported="nothing about customers",
            ),
        ),
        Store(
            name="media files",
            use=Use(
                purpose="Pictures that people send with reports of lessons",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="2 years after the decision, or until the account is closed",
            ),
        ),
        Store(
            name="backups",
            use=Use(
                purpose="To restore the site after a loss; encrypted",
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention="35 days at most; a restore repeats the erasures since",
                not_exported="copies of what the export holds",
            ),
        ),
        Store(
            name="database files",
            use=Use(
                purpose="Deleted rows stay in the server's files until they are overwritten",
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention="until the next clean-up of the server, with its log 35 days at most",
                not_exported="remains of what was deleted",
            ),
        ),
    ]
)
