"""Makes the peer shop's database and fills it: python fill.py COUNT

Creates the database named by PEER_POSTGRES where it is missing, applies Oscar's
migrations, puts in COUNT products and leaves the tables analysed. A database
that already holds COUNT products keeps them; one with another number is emptied
of products and filled again. The same COUNT gives the same products, and the
first product is the same for every COUNT.

Each product has one category out of twelve, one price and stock record, one
image record (a name only, no file) and a description of about 400 characters.
Five titles hold the word "quokka", fifty "axolotl" (fewer in a tiny shop).
"""

import os
import random
import sys
import time
from datetime import datetime, timedelta, timezone

import psycopg
from psycopg import sql as parts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
# Some 150 migrations commit one by one; only this program skips the waiting.
os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off")

FINISHES = "Glossy Matt Brushed Painted Woven Folded Carved Printed Quilted Polished".split()
ANIMALS = (
    "panda otter badger heron lynx puffin walrus gecko ibex marmot stoat osprey "
    "beaver falcon bison tapir lemur magpie newt raven"
).split()
RARE = {"quokka": 5, "axolotl": 50}
THINGS = "badge mug poster scarf lamp clock cushion puzzle notebook kite tray basket".split()
CATEGORIES = (
    "Badges Kitchen Prints Clothing Lighting Clocks Bedroom Games Stationery "
    "Outdoors Dining Storage"
).split()
SENTENCES = [
    "Made by hand in a small workshop from materials that are chosen to last.",
    "The colours are mixed for each batch, so no two pieces are quite alike.",
    "It arrives in a plain card box that can be folded flat and used again.",
    "Wipe it with a damp cloth and let it dry away from direct sunlight.",
    "A favourite present for birthdays, new homes and patient neighbours.",
    "The edges are rounded and checked twice before it leaves the bench.",
    "Weighs little enough to post and sturdy enough to hand down.",
    "Spare parts are kept for ten years and are sent free of charge.",
    "Designed after a winter of sketches drawn at the edge of a quiet lake.",
    "Fits a standard shelf, a deep drawer or the corner of a crowded desk.",
]


def create_database(wanted):
    """The database itself, through the one that every server has."""
    named = {k: wanted[k.upper()] or None for k in ("host", "port", "user", "password")}
    with psycopg.connect(dbname="postgres", autocommit=True, **named) as server:
        known = "select 1 from pg_database where datname = %s"
        if server.execute(known, [wanted["NAME"]]).fetchone() is None:
            name = parts.Identifier(wanted["NAME"])
            server.execute(parts.SQL("create database {}").format(name))


def animals(count, rng):
    """One animal for each product; the rare ones are spread evenly."""
    chosen = [rng.choice(ANIMALS) for _ in range(count)]
    for shift, (animal, wanted) in enumerate(RARE.items()):
        step = max(count // wanted, len(RARE))
        for i in range(wanted):
            if i * step + shift < count:
                chosen[i * step + shift] = animal
    return chosen


def rows(count):
    """Everything about each product, in the order the tables are filled."""
    rng = random.Random(1)
    chosen = animals(count, random.Random(2))
    for n in range(count):
        animal, thing = chosen[n], THINGS[n % len(THINGS)]
        text = [f"A {thing} for anyone who is fond of the {animal}."]
        yield (
            f"P{n + 1:07}",
            f"{rng.choice(FINISHES)} {animal} {thing} {n + 1}",
            " ".join(text + rng.sample(SENTENCES, 5)),
            f"{rng.randint(199, 9999) / 100:.2f}",
            rng.randint(1, 500),
        )


def fill(count, sql):
    """The shelves through Oscar's models, the products by PostgreSQL's COPY."""
    from django.apps import apps

    kind = apps.get_model("catalogue.ProductClass").objects.create(name="Goods")
    partner = apps.get_model("partner.Partner").objects.create(name="Warehouse")
    category = apps.get_model("catalogue.Category").objects
    shelves = [category.add_root({"name": name}).pk for name in CATEGORIES]

    now = datetime.now(timezone.utc)
    products, placed, stock, images = [], [], [], []
    for pk, (upc, title, text, price, left) in enumerate(rows(count), 1):
        # The newest come first in the lists, so each has a moment of its own.
        made = now + timedelta(milliseconds=pk - count)
        # An address that can be told from the number alone.
        products.append(
            (pk, "standalone", True, upc, title, f"p-{pk}", text, kind.pk, 0, True, made, made)
        )
        placed.append((pk, shelves[pk % len(shelves)]))
        stock.append((pk, partner.pk, upc, "GBP", price, left, made, made))
        images.append((pk, f"images/products/{upc}.jpg", "", 0, made))

    def copy(table, columns, lines):
        with sql.copy(f"copy {table} ({columns}) from stdin") as out:
            for line in lines:
                out.write_row(line)

    copy(
        "catalogue_product",
        "id, structure, is_public, upc, title, slug, description, product_class_id,"
        " priority, is_discountable, date_created, date_updated",
        products,
    )
    copy("catalogue_productcategory", "product_id, category_id", placed)
    copy(
        "partner_stockrecord",
        "product_id, partner_id, partner_sku, price_currency, price, num_in_stock,"
        " date_created, date_updated",
        stock,
    )
    copy(
        "catalogue_productimage",
        "product_id, original, caption, display_order, date_created",
        images,
    )
    # The ids above were chosen here; the next product made by hand follows them.
    sql.execute("select setval('catalogue_product_id_seq', %s)", [max(count, 1)])


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    count = int(sys.argv[1])
    began = time.monotonic()

    from django.conf import settings

    create_database(settings.DATABASES["default"])

    import django
    from django.core.management import call_command
    from django.db import connection, transaction

    django.setup()
    call_command("migrate", verbosity=0)
    migrated = time.monotonic()

    from django.apps import apps
    from shop import SEARCH_SQL

    products = apps.get_model("catalogue", "Product").objects
    with connection.cursor() as sql:
        if products.count() != count:
            with transaction.atomic():
                # Made again below: quicker after the rows than along with them.
                sql.execute("alter table catalogue_product drop column if exists search")
                sql.execute(
                    "truncate catalogue_product, catalogue_category,"
                    " catalogue_productclass, partner_partner restart identity cascade"
                )
                fill(count, sql)
        for statement in SEARCH_SQL:
            sql.execute(statement)
        sql.execute("vacuum analyze")
    first = products.order_by("pk").first()
    rare = products.filter(title__contains="quokka").count()
    print(f"{products.count()} products, {rare} of them quokkas")
    if first:
        print("a product's page:", first.get_absolute_url())
    ended = time.monotonic()
    print(f"migrated in {migrated - began:.0f} s, filled in {ended - migrated:.0f} s")


if __name__ == "__main__":
    main()
