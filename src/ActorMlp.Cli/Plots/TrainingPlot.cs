using ActorMlp.Training.Runs;
using ScottPlot;

namespace ActorMlp.Cli.Plots;

/// <summary>The curves of a run: loss on the left, accuracy or RMSE on the right, over epochs.</summary>
internal static class TrainingPlot
{
    private const int Width = 1280;
    private const int Height = 520;
    private static readonly Color TrainColor = Color.FromHex("#1f77b4");
    private static readonly Color ValidationColor = Color.FromHex("#d95f02");

    /// <summary>Draws the picture as PNG.</summary>
    public static void Write(string path, IReadOnlyList<EpochMetrics> epochs, string title)
    {
        if (epochs.Count == 0)
        {
            return;
        }

        PlotFont.Register();
        bool regression = epochs[0].Train.Accuracy is null;
        var picture = new Multiplot();
        picture.AddPlots(2);
        picture.Layout = new ScottPlot.MultiplotLayouts.Columns();
        Draw(picture.GetPlot(0), epochs, $"{title}: loss", "mean loss per row", metrics => metrics.Loss, Alignment.UpperRight);
        Draw(
            picture.GetPlot(1),
            epochs,
            regression ? "root mean squared error" : "accuracy",
            regression ? "RMSE (target's units)" : "rows classified correctly (%)",
            metrics => regression ? metrics.Rmse : 100 * metrics.Accuracy,
            regression ? Alignment.UpperRight : Alignment.LowerRight);
        picture.SavePng(path, Width, Height);
    }

    private static void Draw(
        Plot plot, IReadOnlyList<EpochMetrics> epochs, string title, string axis, Func<SplitMetrics, double?> value, Alignment legend)
    {
        plot.Title(title, 18);
        plot.XLabel("epoch", 16);
        plot.YLabel(axis, 16);
        plot.Axes.Bottom.TickLabelStyle.FontSize = 14;
        plot.Axes.Left.TickLabelStyle.FontSize = 14;
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { IntegerTicksOnly = true };
        Curve(plot, epochs, metrics => value(metrics.Train), "training (as trained)", TrainColor);
        Curve(plot, epochs, metrics => metrics.Validation is { } validation ? value(validation) : null, "validation", ValidationColor);
        if (epochs.LastOrDefault(epoch => epoch.Best) is { Validation: { } figures } best && value(figures) is { } height)
        {
            ScottPlot.Plottables.Marker marker = plot.Add.Marker(best.Epoch, height, MarkerShape.OpenCircle, 14, ValidationColor);
            marker.LegendText = $"best epoch ({best.Epoch})";
        }

        plot.Legend.FontSize = 14;
        plot.ShowLegend(legend);
        plot.Font.Set(PlotFont.Name);
        plot.Axes.Margins(0.04, 0.1);
    }

    private static void Curve(
        Plot plot, IReadOnlyList<EpochMetrics> epochs, Func<EpochMetrics, double?> value, string name, Color color)
    {
        (int Epoch, double Value)[] points = [.. epochs.Where(epoch => value(epoch) is not null).Select(epoch => (epoch.Epoch, value(epoch)!.Value))];
        if (points.Length == 0)
        {
            return;
        }

        ScottPlot.Plottables.Scatter curve = plot.Add.Scatter(
            points.Select(point => (double)point.Epoch).ToArray(), points.Select(point => point.Value).ToArray(), color);
        curve.LegendText = name;
        curve.LineWidth = 2;
        curve.MarkerSize = points.Length <= 40 ? 5 : 0;
    }
}
