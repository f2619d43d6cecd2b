"""spark-submit --py-files dist/headrace.zip jobs/score.py --conf-dir conf --env cluster [--once]"""

from headrace.cli.jobs import score

score()
