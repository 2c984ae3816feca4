"""The peer shop's own code: how it lists and searches, its images, its addresses.

Oscar asks Haystack for every product list, the plain catalogue included. Of
Haystack's engines the "simple" one is for tests (it ignores offsets and cannot
express Oscar's filters, so its lists come out empty), Whoosh scores the whole
catalogue in Python for each page, and Solr or Elasticsearch are further
servers. DatabaseEngine below answers from PostgreSQL instead: one count, one
indexed page of ids, and the page's products loaded together. It is quicker
than the stock engines, so what it changes is in Oscar's favour. Like Whoosh
under Haystack it offers no facets.
"""

import os
from types import SimpleNamespace

from django.apps import apps
from django.conf import settings
from django.db.models.expressions import RawSQL
from django.urls import include, path
from haystack.backends import BaseEngine, BaseSearchBackend, BaseSearchQuery
from haystack.models import SearchResult

# The document Oscar indexes (number, title, description), kept by PostgreSQL
# as a generated column with a GIN index. fill.py runs these once.
SEARCH_SQL = [
    """alter table catalogue_product add column if not exists search tsvector
       generated always as (
         setweight(to_tsvector('english', coalesce(upc, '') || ' ' || title), 'A') ||
         setweight(to_tsvector('english', description), 'B')) stored""",
    "create index if not exists peer_search on catalogue_product using gin (search)",
    # What the catalogue's list counts and pages through.
    """create index if not exists peer_browse on catalogue_product (date_created desc)
       where is_public and structure in ('standalone', 'parent')""",
]


class PageResult(SearchResult):
    """One hit. The first that is asked for its product loads the whole page's."""

    page = ()

    def _get_object(self):
        if self._object is None:
            found = self.searchindex.read_queryset().in_bulk([r.pk for r in self.page])
            for result in self.page:
                result._object = found.get(result.pk)
        return self._object

    object = property(_get_object, SearchResult._set_object)


class DatabaseBackend(BaseSearchBackend):
    """Nothing to keep up to date: PostgreSQL does it."""

    def update(self, index, iterable, commit=True):
        pass

    def remove(self, obj_or_string, commit=True):
        pass

    def clear(self, models=None, commit=True):
        pass


class DatabaseQuery(BaseSearchQuery):
    """Turns Haystack's filters into a query of Oscar's products."""

    total = None
    # Where Oscar's sort names differ from the product's fields.
    SORTS = {"title_exact": "title", "price": "stockrecords__price"}

    def products(self):
        products = apps.get_model("catalogue", "Product").objects.all()
        order = []
        for sort in self.order_by:
            name = sort.lstrip("-")
            order.append(sort[: -len(name)] + self.SORTS.get(name, name))
        for expression, value in self.query_filter.children:
            name = expression.split("__")[0]
            if name == "is_public":
                products = products.filter(is_public=value == "true")
            elif name == "structure":
                products = products.filter(structure__in=value)
            elif name == "category":
                # A subquery: a join would list a product once per category.
                through = apps.get_model("catalogue", "ProductCategory")
                inside = through.objects.filter(category__in=value)
                products = products.filter(pk__in=inside.values("product"))
            elif name == "content":
                words = [value.query_string]
                tsquery = "websearch_to_tsquery('english', %s)"
                products = products.extra(
                    where=["catalogue_product.search @@ " + tsquery], params=words
                )
                if not order:
                    rank = f"ts_rank(catalogue_product.search, {tsquery})"
                    order = [RawSQL(rank, words).desc()]
            else:
                raise NotImplementedError(f"no filter by {expression}")
        return products.order_by(*order, "-date_created")

    def get_count(self):
        # Haystack asks several times for the same page; once is enough.
        if self.total is None:
            self.total = self.products().count()
        return self.total

    def run(self, spelling_query=None, **kwargs):
        window = self.products().values_list("pk", flat=True)
        page = [
            PageResult("catalogue", "product", pk, 0)
            for pk in window[self.start_offset : self.end_offset]
        ]
        for result in page:
            result.page = page
        self._results = page
        self._hit_count = self.get_count()
        self._facet_counts = {}


class DatabaseEngine(BaseEngine):
    backend = DatabaseBackend
    query = DatabaseQuery


class OriginalImages:
    """Gives each image's own address, as if its sizes had been made on upload."""

    def generate_thumbnail(self, source, **options):
        # A product without images comes with the placeholder's bare name.
        if isinstance(source, str):
            return SimpleNamespace(url=settings.MEDIA_URL + source)
        return source

    def delete_thumbnails(self, source):
        pass


def __getattr__(name):
    """`urlpatterns`, made when Django first asks: Oscar must have been set up."""
    if name != "urlpatterns":
        raise AttributeError(name)
    if os.environ.get("PEER_COUNT_VIEWS") != "on":
        # For speed: by default each product page commits a row that counts its
        # views, and many readers of one product would wait for each other.
        from oscar.apps.analytics.receivers import receive_product_view
        from oscar.apps.catalogue.signals import product_viewed

        product_viewed.disconnect(receive_product_view)
    globals()[name] = [path("", include(apps.get_app_config("oscar").urls[0]))]
    return globals()[name]
