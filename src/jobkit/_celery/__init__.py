"""The engine room: jobkit on Celery. Nothing else imports celery or kombu."""
