"""Every failure of Penchant, by type: what may work later (transient) and what never will (permanent)."""


class PenchantError(Exception):
    """The root of all errors that Penchant raises on purpose. Its text is one readable paragraph."""


class TransientError(PenchantError):
    """It may work later without anybody changing anything: network, time-out, rate limit, lock, full disk."""


class UnavailableError(TransientError):
    """A whole part is out of reach or asks for a pause, so that nothing that needs it can work now.

    Parameters
    ----------
    text : which part, at which address and by which setting, and what to do.
    retry_after_seconds : how long the part itself asked to be left alone; None where it did not say.
    """

    def __init__(self, text: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(PenchantError):
    """It never works as it stands: malformed, refused, or configured wrongly."""


class InvalidValueError(PermanentError):
    """A value that cannot be accepted.

    Parameters
    ----------
    field : the name of the field, as the caller knows it.
    problem : what is wrong with it, in a few words.
    remedy : what the caller can do.
    """

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(field, problem, remedy)
        self.field = field
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.field} {self.problem}; {self.remedy}"


class UnknownUserError(InvalidValueError):
    """A user of whom nothing can be read."""


class UnknownProductError(InvalidValueError):
    """A product that is not in the catalogue, or has no vector in our model."""


class UnknownAttributeError(InvalidValueError):
    """A name of an attribute that no product has."""


class UnknownSourceError(InvalidValueError):
    """A source of recommendations that is not switched on here."""


class NotAppliedYetError(UnknownUserError):
    """A user with events in the log of whom nothing is stored yet."""


class ConflictError(InvalidValueError):
    """A message id that was recorded before with other content."""


class RetractionRefusedError(InvalidValueError):
    """A retraction that names no event of the same user, or names a retraction."""


class TargetMissingError(RetractionRefusedError):
    """A retraction whose event is not in the log. Where messages overtake each other, it may come yet."""


class UnexpectedError(PermanentError):
    """An event on which Penchant itself failed: a fault of the program, not of the event's sender."""


class ConfigurationError(PermanentError):
    """A setting that cannot work. The text names the setting and the remedy."""


class NotSetUpError(ConfigurationError):
    """What `penchant setup` makes is not there. Who sets it up ends that from outside, so starting again helps."""


class OtherTablesError(NotSetUpError):
    """The tables are missing, or older or newer than this program."""


class RecipeMismatchError(ConfigurationError):
    """This process is configured for another recipe than the one that is active beside the log."""


class RecipeChangedError(RecipeMismatchError):
    """Another recipe has been made active while this process worked; started again, it follows that one."""


class LostRaceError(TransientError):
    """Another writer came first; nothing was written. Start again from the read."""


class StorageFullError(UnavailableError):
    """The disk or the quota below a store is full; nothing was written."""
