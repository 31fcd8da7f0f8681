using System.Globalization;
using ActorMlp.Cli.Simulations;
using ScottPlot;

namespace ActorMlp.Cli.Plots;

/// <summary>How a run is expected to scale: samples per second on the left, efficiency on the right, over the number of nodes.</summary>
internal static class ScalingPlot
{
    private const int Width = 1280;
    private const int Height = 520;
    private static readonly Color ExpectedColor = Color.FromHex("#1f77b4");
    private static readonly Color IdealColor = Color.FromHex("#7f7f7f");

    /// <summary>Draws the picture as PNG.</summary>
    /// <param name="path">Where.</param>
    /// <param name="points">Ascending numbers of nodes, the first 1.</param>
    /// <param name="title">The run's name.</param>
    public static void Write(string path, IReadOnlyList<PlannedPoint> points, string title)
    {
        PlotFont.Register();
        var picture = new Multiplot();
        picture.AddPlots(2);
        picture.Layout = new ScottPlot.MultiplotLayouts.Columns();
        double[] nodes = [.. points.Select(point => Math.Log2(point.Plan.Nodes))];
        double[] samples = [.. points.Select(point => Math.Log10(point.SamplesPerSecond))];
        double[] ideal = [.. points.Select(point => Math.Log10(points[0].SamplesPerSecond * point.Plan.Nodes))];

        Plot left = picture.GetPlot(0);
        Prepare(left, points, $"{title}: throughput", "samples per second");
        Curve(left, nodes, ideal, "as many single nodes", IdealColor).LinePattern = LinePattern.Dashed;
        Curve(left, nodes, samples, "expected", ExpectedColor);
        int lowest = (int)Math.Floor(samples.Min()), highest = (int)Math.Ceiling(ideal.Max());
        int[] decades = [.. Enumerable.Range(lowest, highest - lowest + 1)];
        left.Axes.Left.SetTicks([.. decades.Select(decade => (double)decade)], [.. decades.Select(decade => Text(Math.Pow(10, decade)))]);
        left.ShowLegend(Alignment.UpperLeft);
        left.Axes.SetLimitsY(lowest, highest + 0.1);

        Plot right = picture.GetPlot(1);
        Prepare(right, points, "efficiency", "share of as many single nodes (%)");
        Curve(right, nodes, [.. points.Select(point => 100 * point.EfficiencyBeside(points[0]))], "expected", ExpectedColor);
        if (points[^1].Plan.ComputingNodes < points[^1].Plan.Nodes)
        {
            int limit = points[^1].Plan.ComputingNodes;
            ScottPlot.Plottables.VerticalLine line = right.Add.VerticalLine(Math.Log2(limit), 2, IdealColor, LinePattern.Dotted);
            line.LegendText = string.Create(CultureInfo.InvariantCulture, $"no more than {limit:N0} nodes compute");
            right.ShowLegend(Alignment.UpperRight);
        }

        right.Axes.SetLimitsY(0, 105);
        left.Font.Set(PlotFont.Name);
        right.Font.Set(PlotFont.Name);
        picture.SavePng(path, Width, Height);
    }

    private static void Prepare(Plot plot, IReadOnlyList<PlannedPoint> points, string title, string axis)
    {
        plot.Title(title, 18);
        plot.XLabel("nodes", 16);
        plot.YLabel(axis, 16);
        plot.Axes.Bottom.TickLabelStyle.FontSize = 14;
        plot.Axes.Left.TickLabelStyle.FontSize = 14;
        plot.Legend.FontSize = 14;
        int stride = points.Count > 8 ? 2 : 1;
        PlannedPoint[] marked = [.. points.Where((point, i) => i % stride == 0 && (i == points.Count - 1 || points[^1].Plan.Nodes > 1.5 * point.Plan.Nodes)), points[^1]];
        marked = [.. marked.DistinctBy(point => point.Plan.Nodes)];
        plot.Axes.Bottom.SetTicks([.. marked.Select(point => Math.Log2(point.Plan.Nodes))], [.. marked.Select(point => Text(point.Plan.Nodes))]);
    }

    private static ScottPlot.Plottables.Scatter Curve(Plot plot, double[] x, double[] y, string name, Color color)
    {
        ScottPlot.Plottables.Scatter curve = plot.Add.Scatter(x, y, color);
        curve.LegendText = name;
        curve.LineWidth = 2;
        curve.MarkerSize = 6;
        return curve;
    }

    private static string Text(double number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
