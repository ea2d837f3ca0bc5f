"""What the demo operator sells, where, through which channel, and when people buy: the draws behind every order."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

CURRENCY = "CNY"
BILL_CYCLES = (1, 5, 10, 15, 20, 25)
"""Days of the month on which a customer's bill may be made (staggered billing cycles)."""


@dataclass(frozen=True, slots=True)
class Product:
    """Something on sale: its name and the prices it has, in fen, with the share of orders it takes."""

    name: str
    prices_minor: tuple[int, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to pay: its name, its fee in hundredths of a percent of the amount, and its share of orders."""

    name: str
    fee_per_10_000: int
    weight: int


PRODUCTS = (
    Product("top-up", (1000, 2000, 3000, 5000, 10000, 20000, 30000), 50),
    Product("data-pack", (500, 1000, 2000, 3000, 5000, 7000), 25),
    Product("sms-pack", (300, 500, 1000), 6),
    Product("video-membership", (1500, 1990, 2500), 8),
    Product("voice-pack", (1000, 1800, 2800), 6),
    Product("broadband-month", (5000, 8800, 12800), 5),
)
CHANNELS = (
    Channel("wechat", 60, 38),
    Channel("alipay", 55, 30),
    Channel("unionpay", 50, 14),
    Channel("shop-counter", 0, 10),
    Channel("self-service-terminal", 20, 8),
)
REGIONS = ("east-city", "west-city", "north-city", "south-city", "harbour", "hills", "lake-county", "river-county")
REGION_WEIGHTS = (22, 18, 14, 13, 11, 9, 7, 6)


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer asks for; amounts in fen."""

    account: str
    product: str
    channel: str
    region: str
    amount_minor: int


def draw_order(rng: random.Random) -> Order:
    """One customer's wish; the account is a made-up number of 11 digits in a range that no operator assigns."""
    (product,) = rng.choices(PRODUCTS, [product.weight for product in PRODUCTS])
    (channel,) = rng.choices(CHANNELS, [channel.weight for channel in CHANNELS])
    (region,) = rng.choices(REGIONS, REGION_WEIGHTS)
    account = f"100{rng.randrange(100_000_000):08d}"
    return Order(account, product.name, channel.name, region, rng.choice(product.prices_minor))


def bill_cycle(account: str) -> int:
    """The day of the month on which this customer's bill is made."""
    return BILL_CYCLES[int(account) % len(BILL_CYCLES)]


def fee_minor(channel: str, amount_minor: int) -> int:
    """The channel's fee in fen, half a fen rounded up. Raises KeyError for a channel that is not offered."""
    return (amount_minor * FEES[channel] + 5_000) // 10_000


FEES = {channel.name: channel.fee_per_10_000 for channel in CHANNELS}


def activity(hour: float) -> float:
    """How busy the customers are at a local hour (0..24), as a share of the busiest moment: 0.6 at 4:00, 1 at 16:00."""
    return 0.8 - 0.2 * math.cos((hour - 4.0) / 24.0 * 2.0 * math.pi)
