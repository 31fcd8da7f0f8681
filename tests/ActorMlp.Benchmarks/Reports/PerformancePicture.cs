using ActorMlp.Cli.Plots;
using ScottPlot;

namespace ActorMlp.Benchmarks.Reports;

/// <summary>The ratios as bars: products over OpenBLAS above, training steps over TorchSharp below.</summary>
internal static class PerformancePicture
{
    private const int Width = 1500;
    private const int Height = 1150;
    private static readonly string[] Colors = ["#9ec9e8", "#1f77b4", "#f7c08f", "#d95f02"];

    /// <summary>Draws the picture as PNG from the files that the benchmarks saved.</summary>
    public static void Write(string path, IReadOnlyList<Measurement> measurements)
    {
        PlotFont.Register();
        var picture = new Multiplot();
        picture.AddPlots(2);
        Draw(picture.GetPlot(0), [.. measurements.Where(one => one.Series.Contains("OpenBLAS", StringComparison.Ordinal))], "matrix products on one thread over OpenBLAS's (result m×n, sums of k terms)");
        Draw(picture.GetPlot(1), [.. measurements.Where(one => one.Series.Contains("TorchSharp", StringComparison.Ordinal))], "samples per second in training over TorchSharp's (network, optimizer, batch)");
        picture.SavePng(path, Width, Height);
    }

    private static void Draw(Plot plot, Measurement[] measurements, string title)
    {
        string[] series = [.. measurements.Select(one => one.Series).Distinct()], cases = [.. measurements.Select(one => one.Case).Distinct()];
        double width = 0.8 / Math.Max(1, series.Length);
        for (int i = 0; i < series.Length; i++)
        {
            double offset = (i - (series.Length - 1) / 2.0) * width;
            Bar[] drawn =
            [
                .. measurements.Where(one => one.Series == series[i]).Select(one => new Bar
                {
                    Position = Array.IndexOf(cases, one.Case) + offset,
                    Value = one.Ratio,
                    Size = width,
                    FillColor = Color.FromHex(Colors[series.Length == 2 ? 2 * i + 1 : i % Colors.Length]),
                    LineWidth = 0,
                }),
            ];
            ScottPlot.Plottables.BarPlot bars = plot.Add.Bars(drawn);
            bars.LegendText = series[i].Split(", ", 2)[1];
        }

        ScottPlot.Plottables.HorizontalLine equal = plot.Add.HorizontalLine(1, 1.5f, Color.FromHex("#333333"), LinePattern.Dashed);
        equal.LegendText = "equally fast";
        plot.Title(title, 20);
        plot.Axes.Bottom.SetTicks([.. Enumerable.Range(0, cases.Length).Select(i => (double)i)], cases);
        plot.Axes.Bottom.TickLabelStyle.FontSize = 14;
        plot.Axes.Left.TickLabelStyle.FontSize = 14;
        plot.Axes.SetLimitsX(-0.6, cases.Length - 0.4);
        plot.Axes.SetLimitsY(0, 1.25 * Math.Max(1, measurements.Select(one => one.Ratio).DefaultIfEmpty(1).Max()));
        plot.Legend.FontSize = 14;
        plot.Legend.Orientation = Orientation.Horizontal;
        plot.ShowLegend(Alignment.UpperLeft);
        plot.Font.Set(PlotFont.Name);
    }
}
