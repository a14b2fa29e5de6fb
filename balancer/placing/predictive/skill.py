"""Whether a substation's forecast has been better of late than to say that nothing changes.

Pure. Judged is the forecast for 2 h later, by its absolute error; the newest error has the weight 1/48, half a day of quarter
hours. Persistence, the value at the time of the forecast, is what it must not be worse than.
"""

from balancer.placing.predictive.peaks import BaseForecast

AHEAD = 8  # quarter hours
WEIGHT = 1 / 48


class ForecastSkill:
    """The recent errors of one substation's forecast and of persistence, both in watts."""

    def __init__(self) -> None:
        self.forecast_error_w = self.persistence_error_w = 0.0
        self._judged = 0
        self._made: dict[int, tuple[float, float]] = {}  # by the quarter hour that was forecast

    @property
    def good(self) -> bool:
        """Whether the forecast is at least as good as persistence; False until one was judged."""
        return self._judged > 0 and self.forecast_error_w <= self.persistence_error_w

    def learn(self, slot: int, watts: float, forecast: BaseForecast | None) -> None:
        """Take the mean of the quarter hour `slot`, and the forecast that was made with it, if there was one."""
        if made := self._made.pop(slot, None):
            weight = max(WEIGHT, 1 / (self._judged + 1))
            self._judged += 1
            self.forecast_error_w += weight * (abs(made[0] - watts) - self.forecast_error_w)
            self.persistence_error_w += weight * (abs(made[1] - watts) - self.persistence_error_w)
        self._made = {later: made for later, made in self._made.items() if slot < later < slot + AHEAD}
        if forecast and forecast.covers(slot + AHEAD):
            self._made[slot + AHEAD] = (forecast.at(slot + AHEAD), watts)
