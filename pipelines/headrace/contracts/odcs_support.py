"""What becomes of each key of the Open Data Contract Standard, v3.0.0 to v3.2.0, by the part of a file it stands in.

A key is enforced, refused with what to do instead, or only describes. A test holds this table against the standard's
own schema, and the README against this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from headrace.contracts.aggregates import Operator

__all__ = ["STANDARD", "Support"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """The keys of one part.

    enforced: what records are judged by, or what says how. describes: read by people and other tools, decides nothing.
    refused: a record cannot be judged by it.
    """

    enforced: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    describes: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        return frozenset((*self.enforced, *self.refused, *self.describes))


def _support(enforced: str = "", *, refused: str = "", describes: str = "") -> Support:
    parts = {"enforced": enforced, "refused": refused, "describes": describes}
    return Support(**{part: tuple(keys.split()) for part, keys in parts.items()})


_OPERATORS = " ".join(Operator)

STANDARD: Final[Mapping[str, Support]] = MappingProxyType(
    {
        "contract": _support(
            "apiVersion kind id version schema",
            describes="name status tenant domain dataProduct description tags team roles support price servers "
            "slaProperties slaDefaultElement authoritativeDefinitions customProperties context contractCreatedTs",
        ),
        "schema": _support(
            "properties quality logicalType customProperties",
            describes="id name physicalName physicalType businessName description dataGranularityDescription "
            "deprecated synonyms tags authoritativeDefinitions relationships context",
        ),
        "property": _support(
            "name physicalName physicalType logicalType logicalTypeOptions required primaryKey primaryKeyPosition "
            "properties items enum quality customProperties",
            refused="unique map semanticType",
            describes="id businessName description deprecated synonyms tags authoritativeDefinitions examples "
            "classification encryptedName criticalDataElement partitioned partitionKeyPosition relationships "
            "transformLogic transformDescription transformSourceObjects",
        ),
        "property.logicalTypeOptions": _support(
            "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format "
            "timezone defaultTimezone minItems maxItems uniqueItems minProperties maxProperties required",
            refused="dimensions elementType distanceMetric normalized embeddingModel embeddingModelVersion",
        ),
        "property.map": _support(refused="key value"),
        "enum": _support("value", describes="id label description tags authoritativeDefinitions customProperties"),
        "quality": _support(
            f"type metric rule arguments unit engine implementation name severity customProperties {_OPERATORS}",
            describes="id description dimension method businessImpact schedule scheduler query tags "
            "authoritativeDefinitions",
        ),
        "customProperties": _support("property value", describes="id description vendor"),
        "description": _support(describes="purpose usage limitations authoritativeDefinitions customProperties"),
        "team": _support(describes="id name description members tags authoritativeDefinitions customProperties"),
        "team.members": _support(
            describes="id username name description role dateIn dateOut replacedByUsername tags "
            "authoritativeDefinitions customProperties"
        ),
        "roles": _support(
            describes="id role description access firstLevelApprovers secondLevelApprovers customProperties"
        ),
        "support": _support(describes="id channel url description tool scope invitationUrl customProperties"),
        "price": _support(describes="id priceAmount priceCurrency priceUnit"),
        "servers": _support(
            describes="id server type description environment roles customProperties account catalog catalogUrl "
            "database dataset delimiter encoding endpointUrl format host location namespace path port project region "
            "regionName schema serviceName stagingDir stream warehouse workgroup"
        ),
        "slaProperties": _support(
            describes="id property value valueExt unit element driver description schedule scheduler "
            "authoritativeDefinitions customProperties"
        ),
        "authoritativeDefinitions": _support(describes="id url type description"),
        "relationships": _support(describes="id type from to customProperties"),
        "synonyms": _support(describes="id synonym description locale source status customProperties"),
        "context": _support(describes="instructions verifiedStatements constraints"),
        "context.verifiedStatements": _support(
            describes="id question answer tags authoritativeDefinitions customProperties"
        ),
        "context.constraints": _support(describes="id constraint tags authoritativeDefinitions customProperties"),
    }
)
"""By part, named as in a file; one that stands in several places is there once, as a member of a team is."""
