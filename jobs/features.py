"""spark-submit --py-files dist/headrace.zip jobs/features.py --conf-dir conf --env cluster [--once]"""

from headrace.cli.jobs import features

features()
