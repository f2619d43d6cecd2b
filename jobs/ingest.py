"""spark-submit --py-files dist/headrace.zip jobs/ingest.py --conf-dir conf --env cluster [--once]"""

from headrace.cli.jobs import ingest

ingest()
