using System.Globalization;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cli.Views;

/// <summary>Figures as people read them, the same in every culture.</summary>
internal static class Figures
{
    public static string Number(double value) => value.ToString(Math.Abs(value) is >= 1e-4 and < 1e6 or 0 ? "0.####" : "0.##E+0", CultureInfo.InvariantCulture);

    public static string Loss(double value) => value.ToString(value is >= 1e-3 and < 1e6 ? "0.0000" : "0.##E+0", CultureInfo.InvariantCulture);

    public static string Percent(double share) => (100 * share).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    public static string Count(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Seconds(double seconds) => seconds < 60
        ? seconds.ToString("0.0", CultureInfo.InvariantCulture) + " s"
        : TimeSpan.FromSeconds(Math.Round(seconds)).ToString(seconds < 3600 ? "m\\:ss" : "h\\:mm\\:ss", CultureInfo.InvariantCulture);

    /// <summary>Accuracy, or RMSE in regression.</summary>
    public static string Quality(SplitMetrics metrics) =>
        metrics.Accuracy is { } accuracy ? Percent(accuracy) : metrics.Rmse is { } rmse ? Number(rmse) : "";

    public static string Describe(SplitMetrics metrics)
    {
        string text = $"loss {Loss(metrics.Loss)}";
        text += metrics.Accuracy is { } accuracy ? $"  accuracy {Percent(accuracy)}" : "";
        text += metrics.Rmse is { } rmse ? $"  RMSE {Number(rmse)}" : "";
        return text + (metrics.R2 is { } r2 ? $"  R² {Number(r2)}" : "");
    }
}
