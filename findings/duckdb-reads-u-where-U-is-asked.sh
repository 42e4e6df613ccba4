#!/bin/sh
# duckdb 2.0.1: metrology writes u for the standard and U for the expanded uncertainty (GUM, 2.3.1 and 2.3.5), so a table of
# results has columns energy_u_wh and energy_U_wh. DuckDB takes names for equal that differ by case alone, in quotes too. It
# refuses neither the file nor the question: the second column is renamed (energy_U_wh_1, shown by SELECT * only), and
# whoever asks for U gets u, which is half of it. The same with CSV and with Parquet. pandas, pyarrow and R keep both.
#
# Seen on Debian 12, Python 3.11, of a table with u = 1 Wh and U = 2 Wh:
#   CSV      SELECT "energy_U_wh"              1.0 Wh
#   CSV      SELECT energy_wh - energy_U_wh    99.0 Wh  (100 - 2 = 98 was asked)
#   Parquet  SELECT "energy_U_wh"              1.0 Wh
#   Parquet  SELECT energy_wh - energy_U_wh    99.0 Wh
# Exit 0: as above. 1: DuckDB behaves otherwise. 2: it could not be run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet duckdb==2.0.1 pyarrow==26.0.1 || exit 2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import duckdb
import pyarrow
from pyarrow import csv, parquet

table = pyarrow.table({"energy_wh": [100.0], "energy_u_wh": [1.0], "energy_U_wh": [2.0]})
csv.write_csv(table, "results.csv")
parquet.write_table(table, "results.parquet")
seen = []
for kind, file in (("CSV", "results.csv"), ("Parquet", "results.parquet")):
    for column in ('"energy_U_wh"', "energy_wh - energy_U_wh"):
        ((value,),) = duckdb.sql(f"SELECT {column} FROM '{file}'").fetchall()
        seen.append(float(value))
        print(f"{kind:8} SELECT {column:26} {float(value)} Wh")
sys.exit(0 if seen == [1.0, 99.0, 1.0, 99.0] else 1)
PYTHON
