"""The release history of totals: the cells that each recipient was given."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, String

revision = "0002"
down_revision = "0001"

NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "released_cell",
        Column("id", NUMBER, nullable=False),
        Column("recipient", String(length=128), nullable=False),
        Column("activity", String(length=128), nullable=False),
        Column("identity", LargeBinary(length=46), nullable=False),
        Column("rows", BigInteger(), nullable=False),
        Column("per_person", Integer(), nullable=False),
        Column("key", LargeBinary(length=8), nullable=False),
        Column("entry", LargeBinary(length=32), nullable=False),
        PrimaryKeyConstraint("id"),
    )
    once = ["recipient", "activity", "identity"]
    op.create_index("released_cell_once", "released_cell", once, unique=True)
    op.create_index("released_cell_rows", "released_cell", ["recipient", "activity", "rows"])
