# Databricks notebook source
# MAGIC %md
# MAGIC # A tour of the tables
# MAGIC
# MAGIC For analysts of the demo's flights. It reads tables and views and changes nothing. On Databricks it runs cell by
# MAGIC cell on a cluster that has headrace installed and the variables of `conf/databricks/headrace.yml` set; elsewhere
# MAGIC `python notebooks/tour.py` runs it from top to bottom without a JVM. `HEADRACE_CONF` and `HEADRACE_ENV` name the
# MAGIC configuration, as for every command.

# COMMAND ----------

import os
from pathlib import Path

import pandas as pd

from headrace.flows.project import load
from headrace.flows.catalog import tables, views

ON_DATABRICKS = "spark" in globals()
conf = Path(os.environ.get("HEADRACE_CONF", "conf" if Path("conf").is_dir() else "../conf"))
project = load(conf, os.environ.get("HEADRACE_ENV", "databricks" if ON_DATABRICKS else "local"), os.environ)

if ON_DATABRICKS:
    from headrace.io.lake import Lake

    Lake(project.settings.storage).use(spark, tables(project), views(project))
else:
    from headrace.io.reader import open_tables


def ask(sql: str) -> pd.DataFrame:
    """The answer to a query in the SQL that Spark and DuckDB share. Times are in UTC."""
    if ON_DATABRICKS:
        return spark.sql(sql).toPandas()
    with open_tables(project.settings.storage, tables(project), views(project)) as connection:
        return connection.execute(sql).df()


def show(title: str, frame: pd.DataFrame) -> None:
    print(f"\n{title}\n")
    display(frame) if ON_DATABRICKS else print(frame.to_string(index=False))


# COMMAND ----------

# MAGIC %md
# MAGIC ## What arrived
# MAGIC Every record is in the ledger: accepted or rejected, nothing else. `reached` is the signal's high-water mark.

# COMMAND ----------

show(
    "What arrived",
    ask("""
    SELECT subject AS signal, CAST(sum(rows_in) AS BIGINT) AS arrived,
           CAST(sum(outcomes['accepted']) AS BIGINT) AS accepted,
           CAST(sum(outcomes['rejected']) AS BIGINT) AS rejected,
           max(CASE WHEN slice <> 'end of input' THEN high_water END) AS reached
    FROM ledger WHERE flow = 'ingest' GROUP BY subject ORDER BY subject
    """),
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## What was rejected, and why
# MAGIC A dead letter holds the bytes as they came and every rule they broke, so one record can count more than once.

# COMMAND ----------

letters = ask("SELECT signal, reasons, value FROM dead_letters ORDER BY record_id").explode("reasons")
letters["code"] = [reason["code"] for reason in letters["reasons"]]
letters["rule"] = [reason["rule"] for reason in letters["reasons"]]
letters["for example"] = [bytes(value)[:48] for value in letters["value"]]
grouped = letters.groupby(["signal", "code", "rule"], as_index=False).agg(
    records=("value", "size"), example=("for example", "first")
)
show("What was rejected, and why", grouped.sort_values(["signal", "records"], ascending=[True, False]))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What is known now
# MAGIC The newest window of each airport. `features_<set>` has only final windows, `features_<set>_latest` the newest,
# MAGIC final or not.

# COMMAND ----------

show(
    "What is known now: departures of the last hour",
    ask("""
    SELECT origin, window_start, window_end, flights, round(mean_dep_delay, 1) AS mean_dep_delay, max_dep_delay
    FROM features_origin_departures_latest ORDER BY origin
    """),
)
show(
    "Final windows",
    ask("""
    SELECT 'origin_departures' AS feature_set, count(*) AS windows, max(window_end) AS newest
    FROM features_origin_departures
    UNION ALL SELECT 'origin_arrivals', count(*), max(window_end) FROM features_origin_arrivals
    UNION ALL SELECT 'airport_weather', count(*), max(window_end) FROM features_airport_weather
    """),
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## How the decisions turned out
# MAGIC The model said how likely each flight was to arrive late; since then it has arrived. In a good model the two
# MAGIC columns on the right agree. A duplicate arrival counts once: the first.

# COMMAND ----------

show(
    "How the decisions turned out",
    ask("""
    WITH arrived AS (
      SELECT flight_id, min_by(arr_delay, event_time) AS arr_delay FROM signals_arrivals GROUP BY flight_id
    )
    SELECT p.model_version AS version, floor(p.probability_late * 5) / 5 AS from_probability, count(*) AS decisions,
           round(avg(p.probability_late), 3) AS said_late,
           round(avg(CASE WHEN a.arr_delay > 15 THEN 1 ELSE 0 END), 3) AS were_late
    FROM predictions_arrives_late p
    JOIN signals_departures d ON d.record_id = p.record_id AND d.query_id = p.signal_query_id
    JOIN arrived a ON a.flight_id = d.flight_id
    GROUP BY 1, 2 ORDER BY 1, 2
    """),
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## How old the inputs were
# MAGIC Per feature set: minutes from the end of the window a decision used to the event it was about. A decision is
# MAGIC without a value when every window was older than the set's time to live, and behind when the set had not yet come
# MAGIC as far as the event.

# COMMAND ----------

sets = ("origin_departures", "origin_arrivals", "airport_weather")
parts = [
    f"""
    SELECT '{name}' AS feature_set, count(feature_ages['{name}']) AS with_value,
           count(*) - count(feature_ages['{name}']) AS without_value,
           round(avg(feature_ages['{name}']) / 60000, 1) AS mean_minutes,
           round(max(feature_ages['{name}']) / 60000, 1) AS oldest_minutes,
           CAST(sum(CASE WHEN array_contains(behind, '{name}') THEN 1 ELSE 0 END) AS BIGINT) AS behind
    FROM predictions_arrives_late
    """
    for name in sets
]
show("How old the inputs were", ask(" UNION ALL ".join(parts)))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Does the ledger balance?
# MAGIC At a glance: rows in against rows accounted for, query by query. The proof, which reads every table and source
# MAGIC again, is `headrace ledger check`.

# COMMAND ----------

outcomes = ("accepted", "rejected", "windowed", "late", "predicted", "skipped")
out = " + ".join(f"coalesce(outcomes['{name}'], 0)" for name in outcomes)
balance = ask(f"""
    SELECT flow, subject, count(DISTINCT batch_id) AS batches,
           CAST(sum(rows_in) AS BIGINT) AS rows_in, CAST(sum({out}) AS BIGINT) AS accounted_for
    FROM ledger GROUP BY flow, subject, query_id ORDER BY flow, subject
""")
show("Does the ledger balance?", balance)
unbalanced = balance[balance["rows_in"] != balance["accounted_for"]]
print("\nIt balances." if unbalanced.empty else f"\nIt does not balance:\n{unbalanced}")
