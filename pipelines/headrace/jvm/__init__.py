"""What runs inside Spark: the reader of records, as Java sources. ``io/jars`` compiles them."""
