"""spark-submit --py-files dist/headrace.zip jobs/maintain.py --conf-dir conf --env cluster [--dry-run]"""

from headrace.cli.jobs import maintain

maintain()
