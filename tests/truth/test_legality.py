"""The judge of stacks is not blind: it rejects what cannot be."""

from legality import in_torn_drive, torn_is_legal

BASE = ["<module>", "main", "drive"]


def judge(*family, lines=None):
    names = [*BASE, *family]
    return torn_is_legal(names, [*([1] * len(BASE)), *(lines or [0] * len(family))])


def test_one_family_is_legal_from_f_inwards():
    assert judge()
    assert judge("f_007", lines=[11])
    assert judge("f_007", "g_007", lines=[12, 7])
    assert judge("f_007", "g_007", "h_007", lines=[12, 8, 3])


def test_everything_else_is_not():
    assert not judge("f_007", "g_012")
    assert not judge("f_007", "g_007", "h_012")
    assert not judge("g_007")
    assert not judge("f_007", "h_007")
    assert not judge("f_007", "f_007")
    assert not judge("f_007", "g_007", lines=[11, 7]), "f calls from its second line"
    assert not judge("f_007", "main")
    assert not torn_is_legal(["f_007"], [1]), "its callers are missing"
    assert not torn_is_legal([*BASE[:2], "f_007"], [1, 1, 1])


def test_only_the_driving_loop_is_judged():
    assert in_torn_drive([*BASE])
    assert in_torn_drive(["f_001"])
    assert not in_torn_drive(["<module>", "main", "make_families", "<module>"])
