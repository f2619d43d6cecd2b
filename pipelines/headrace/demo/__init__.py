"""The demo: the flights that left New York in 2013, as three signals with known faults planted among them.

``flights`` derives the signals, ``faults`` makes bad records from good ones, ``feed`` sends both to files or Kafka.
"""
