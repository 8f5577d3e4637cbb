"""CHSI as the roster knows it (名册中的学信网信息): what schools have today, the columns 学信网绑定 and 实人验证."""

from bot.ports import ChsiAnswer, RealPerson
from bot.registration.dossier import Dossier


class RosterChsi:
    """Answers from the dossier itself; fits ``bot.ports.Chsi``."""

    def binding(self, dossier: Dossier) -> ChsiAnswer:
        """Tell what the roster says; a school that does not know (empty column) does not keep anybody out (N3)."""
        return ChsiAnswer.NO if dossier.chsi_bound is False else ChsiAnswer.YES

    def real_person(self, dossier: Dossier) -> RealPerson:
        """Tell whether the roster says the real person was seen (N12)."""
        if dossier.real_person_at is None:
            return RealPerson(ChsiAnswer.NO)
        return RealPerson(ChsiAnswer.YES, dossier.real_person_at)
