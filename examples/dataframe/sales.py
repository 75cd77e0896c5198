"""A month's sales report with numpy and pandas: one step is a row-by-row ``apply``, the others are vectorised."""

from __future__ import annotations

import argparse
import sys
import time

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    sys.exit(f"this example needs numpy and pandas ({error}); install them with: python -m pip install pandas")

REGIONS = ("north", "east", "south", "west")


def make_orders(count: int) -> pd.DataFrame:
    """Return ``count`` orders, the same for the same count. Columns: region, product, units, price, weight_kg, day."""
    rng = np.random.default_rng(20260301)
    return pd.DataFrame(
        {
            "region": rng.choice(REGIONS, count),
            "product": rng.integers(0, 400, count),
            "units": rng.integers(1, 12, count),
            "price": rng.gamma(4.0, 9.0, count).round(2),
            "weight_kg": rng.exponential(2.5, count),
            "day": pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 31, count), unit="D"),
        }
    )


def shipping_cost(order: pd.Series) -> float:
    """Return one order's shipping in euros. Called for each row: the hot spot."""
    cost = 3.9 + 0.8 * order["weight_kg"]
    if order["region"] == "north":
        cost *= 1.15
    return 0.0 if order["units"] * order["price"] > 250 else round(cost, 2)


def add_shipping(orders: pd.DataFrame) -> pd.DataFrame:
    return orders.assign(shipping=orders.apply(shipping_cost, axis=1))


def daily_revenue(orders: pd.DataFrame) -> pd.DataFrame:
    """Return revenue by day and region, with a rolling week's mean."""
    revenue = orders.assign(revenue=orders["units"] * orders["price"] + orders["shipping"])
    table = revenue.pivot_table(index="day", columns="region", values="revenue", aggfunc="sum")
    return table.rolling(7, min_periods=1).mean()


def product_similarity(orders: pd.DataFrame) -> np.ndarray:
    """Return the cosine similarity of products by the days they sell on, products by products."""
    table = orders.pivot_table(index="product", columns="day", values="units", aggfunc="sum", fill_value=0)
    vectors = table.to_numpy(dtype=float)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors @ vectors.T


def main(count: int) -> None:
    started = time.perf_counter()
    orders = add_shipping(make_orders(count))
    revenue = daily_revenue(orders)
    similarity = product_similarity(orders)
    seconds = time.perf_counter() - started
    print(f"{count} orders in {seconds:.2f} s")
    print(f"revenue of the last week's mean day: {revenue.iloc[-1].sum():.2f}; similarity {similarity.mean():.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make a month's sales report.")
    parser.add_argument("--orders", type=int, default=300_000)
    main(parser.parse_args().orders)
