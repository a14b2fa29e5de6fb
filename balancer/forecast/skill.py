"""Whether a forecast has been better of late than to say that nothing changes.

Pure. Judged is the forecast for 2 h later, by its absolute error; the newest error has the weight 1/48, half a day of
quarter hours. It must not be worse than persistence, the value at the time of the forecast.
"""

AHEAD = 8  # quarter hours
WEIGHT = 1 / 48


class ForecastSkill:
    """The recent errors of one series' forecast and of persistence, in the unit of the series."""

    def __init__(self) -> None:
        self.forecast_error = self.persistence_error = 0.0
        self._judged = 0

    @property
    def good(self) -> bool:
        """Whether the forecast is at least as good as persistence; False until one was judged."""
        return self._judged > 0 and self.forecast_error <= self.persistence_error

    def judge(self, value: float, forecast: float, before: float) -> None:
        """Take a value, its forecast, and the value at the time of that forecast."""
        self._judged += 1
        weight = max(WEIGHT, 1 / self._judged)
        self.forecast_error += weight * (abs(forecast - value) - self.forecast_error)
        self.persistence_error += weight * (abs(before - value) - self.persistence_error)
