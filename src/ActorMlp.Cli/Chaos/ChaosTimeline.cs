using ActorMlp.Cli.Plots;
using ScottPlot;

namespace ActorMlp.Cli.Chaos;

/// <summary>The picture of a chaos run: steps over time, and what struck it.</summary>
internal static class ChaosTimeline
{
    private const int Width = 1280;
    private const int Height = 620;
    private static readonly Color StepColor = Color.FromHex("#1f77b4");
    private static readonly Color FaultColor = Color.FromHex("#d62728");
    private static readonly Color BackColor = Color.FromHex("#2ca02c");
    private static readonly Color SkippedColor = Color.FromHex("#999999");

    /// <summary>Draws it as PNG.</summary>
    public static void Write(string path, ChaosClock clock, ChaosReport report)
    {
        PlotFont.Register();
        var plot = new Plot();
        plot.Title($"{Path.GetFileName(report.Config)} under {Path.GetFileName(report.Script)}: {(report.IsEqual ? "the same hash" : "ANOTHER HASH")}", 18);
        plot.XLabel("seconds since the first step", 16);
        plot.YLabel("steps committed", 16);
        ScottPlot.Plottables.Scatter steps = plot.Add.ScatterLine(
            clock.Commits.Select(commit => commit.Seconds).ToArray(), clock.Commits.Select(commit => (double)commit.Step).ToArray(), StepColor);
        steps.LineWidth = 2;
        double top = clock.Commits.Select(commit => (double)commit.Step).DefaultIfEmpty(1).Max();
        for (int i = 0; i < report.Faults.Count; i++)
        {
            ChaosRecord fault = report.Faults[i];
            Color color = fault.Skipped is null ? FaultColor : SkippedColor;
            ScottPlot.Plottables.VerticalLine line = plot.Add.VerticalLine(fault.Seconds, 1, color);
            line.LinePattern = LinePattern.Dashed;
            string recovery = fault.RecoverySeconds is { } seconds ? FormattableString.Invariant($" {seconds:0.00} s") : "";
            ScottPlot.Plottables.Text text = plot.Add.Text(
                $"{fault.Kind} {string.Join(",", fault.Nodes)}{recovery}", fault.Seconds, top * (0.98 - 0.06 * (i % 8)));
            if (fault is { EndSeconds: { } end, Skipped: null })
            {
                DrawReturn(plot, fault, end);
            }

            text.LabelFontColor = color;
            text.LabelFontSize = 12;
        }

        plot.Axes.Bottom.TickLabelStyle.FontSize = 14;
        plot.Axes.Left.TickLabelStyle.FontSize = 14;
        plot.Font.Set(PlotFont.Name);
        plot.Axes.Margins(0.02, 0.06);
        plot.SavePng(path, Width, Height);
    }

    /// <summary>The time for which nodes were cut off or stopped, and the moment at which they were in the run again.</summary>
    private static void DrawReturn(Plot plot, ChaosRecord fault, double end)
    {
        plot.Add.HorizontalSpan(fault.Seconds, end, FaultColor.WithAlpha(0.08)).LineStyle.Width = 0;
        if (fault.RejoinedSeconds is { } seconds)
        {
            plot.Add.VerticalLine(end + seconds, 1, BackColor).LinePattern = LinePattern.Dashed;
            ScottPlot.Plottables.Text text = plot.Add.Text(FormattableString.Invariant($"{string.Join(",", fault.Removed!)} back {seconds:0.00} s"), end + seconds, 0);
            text.LabelFontColor = BackColor;
            text.LabelFontSize = 12;
            text.LabelAlignment = Alignment.LowerLeft;
        }
    }
}
