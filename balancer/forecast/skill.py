"""How good a forecast has been of late, and whether it was better than to say that nothing changes.

Pure. Judged are the forecasts for the leads of JUDGED, by their absolute error and by whether the value lay in their band. The
newest error has the weight 1/48, half a day of quarter hours; whether a value lay in the band 1/192, because that varies
more. Persistence is the value at the time of the forecast.
"""

JUDGED = {"2h": 8, "4h": 16}  # quarter hours
AHEAD = JUDGED["2h"]  # by which a forecast is trusted
WEIGHT = 1 / 48
BAND_WEIGHT = 1 / 192


class ForecastSkill:
    """The recent errors of one series' forecast and of persistence at one lead, in the unit of the series.

    `coverage` is the share of values that lay in the band, which 0.8 of them should.
    """

    def __init__(self) -> None:
        self.forecast_error = self.persistence_error = self.coverage = 0.0
        self.judged = 0

    @property
    def good(self) -> bool:
        """Whether the forecast is at least as good as persistence; False until one was judged."""
        return self.judged > 0 and self.forecast_error <= self.persistence_error

    def judge(self, value: float, forecast: float, before: float, *, inside: bool) -> None:
        """Take a value, its forecast, the value at the time of that forecast, and whether it lay in the band."""
        self.judged += 1
        weight = max(WEIGHT, 1 / self.judged)
        self.forecast_error += weight * (abs(forecast - value) - self.forecast_error)
        self.persistence_error += weight * (abs(before - value) - self.persistence_error)
        self.coverage += max(BAND_WEIGHT, 1 / self.judged) * (inside - self.coverage)
