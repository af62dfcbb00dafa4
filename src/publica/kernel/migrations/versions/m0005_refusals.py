"""Who said no, beside who said yes and who objects, in the folded state of choices that is kept."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, LargeBinary

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Choices of an older version hold no refusal: what it kept says so with NULL."""
    op.add_column("choice_snapshot", Column("refused", LargeBinary(), nullable=True))
