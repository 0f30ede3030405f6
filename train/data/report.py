"""What the check of a data set found, and how it is told."""

from dataclasses import dataclass

from train.data.boxes import Order
from train.data.defects import Defect, count, listing


@dataclass(frozen=True)
class Summary:
    """A data set in numbers; samples with a defect are not counted.

    Attributes:
        layout: the layout that was found or forced.
        order: the order in which the boxes were read.
        images: the number of good samples by (source, class).
        box_px: smallest, median and largest box as the root of its area, in pixels; None without any box.
        image_px: the number of images by (width, height) in pixels, the most frequent first.
    """

    layout: str
    order: Order
    images: dict[tuple[str, str], int]
    box_px: tuple[float, float, float] | None
    image_px: dict[tuple[int, int], int]


@dataclass(frozen=True)
class Report:
    """What `check` found: defects forbid use, warnings do not."""

    defects: tuple[Defect, ...]
    warnings: tuple[str, ...]
    summary: Summary

    def text(self, limit: int | None = 5) -> str:
        """The report for people; `limit` is how many defects of each kind are listed (None: all)."""
        summary = self.summary
        lines = [f"layout: {summary.layout}, boxes read {summary.order}"]
        for source in dict.fromkeys(source for source, _ in summary.images):
            members = {name: number for (part, name), number in summary.images.items() if part == source}
            classes = ", ".join(f"{name} {number}" for name, number in members.items())
            lines.append(f"{source}: {sum(members.values())} good images: {classes}")
        if summary.box_px:
            small, median, large = summary.box_px
            lines.append(f"boxes (root of area): {small:.0f} to {large:.0f} px, median {median:.0f} px")
        sizes = [f"{width} x {height} ({number})" for (width, height), number in summary.image_px.items()]
        if sizes:
            more = f" and {len(sizes) - 5} other sizes" if len(sizes) > 5 else ""
            lines.append(f"image sizes: {', '.join(sizes[:5])}{more}")
        lines += [f"warning: {warning}" for warning in self.warnings]
        lines += listing(self.defects, limit)
        counts = ", ".join(f"{number} {kind}" for kind, number in count(self.defects).items())
        number = len(self.defects)
        lines.append(f"{number} defect{'s' if number > 1 else ''}: {counts}" if number else "no defects")
        return "\n".join(lines)
