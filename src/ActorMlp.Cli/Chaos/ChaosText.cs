using System.Globalization;
using System.Text;

namespace ActorMlp.Cli.Chaos;

/// <summary>A chaos run's outcome in words.</summary>
internal static class ChaosText
{
    public static string Describe(ChaosReport report, string directory)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{"at",8}  {"step",7}  {"fault",-10} {"node",-5} {"recovered",10}  {"steps lost",10}  roles");
        foreach (ChaosRecord fault in report.Faults)
        {
            string recovered = fault.Skipped is not null ? "-" : fault.RecoverySeconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s")
                : fault.Step >= report.Steps ? "run ended" : fault.Kind == ChaosRecord.Crash ? "no part" : "with next";
            text.AppendLine(CultureInfo.InvariantCulture, $"{fault.Seconds,6:0.0} s  {fault.Step,7}  {fault.Kind,-10} {string.Join(",", fault.Nodes),-5} {recovered,10}  {fault.StepsLost,10}  {fault.Skipped ?? fault.Roles}");
        }

        foreach (ChaosRecord fault in report.Faults.Where(fault => fault.Removed is { Count: > 0 }))
        {
            string back = fault.RejoinedSeconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s after it was over") : "not before the run ended";
            string applied = fault.StepsApplied is { } steps ? string.Create(CultureInfo.InvariantCulture, $"; there, updates were applied up to step {steps}; the run stood at {fault.StepsWithoutThem} and went on") : "";
            text.AppendLine(CultureInfo.InvariantCulture, $"{fault.Seconds,6:0.0} s  {fault.Kind} of node {string.Join(",", fault.Removed!)}: removed, in the run again {back}{applied}");
        }

        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"steps       {report.Steps} in {report.Seconds:0.0} s on {report.Nodes} nodes; {report.StepsLost} trained twice");
        text.AppendLine(CultureInfo.InvariantCulture, $"recovery    {report.Takeovers} takeovers, {report.Rewinds} times back to a checkpoint, {report.Resumptions} times resumed");
        if (report.Links is { } links)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"links       {links.Connections} connections, {(links.BytesOut + links.BytesBack) / 1e6:0.0} MB, {links.SegmentsLost} segments lost, {links.ChunksCorrupted} chunks corrupted, {links.Broken} connections broken");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"weights     {report.WeightsSha256}");
        text.AppendLine(report.ExpectedSha256 is not { } expected ? "not compared: the run was stopped"
            : $"{report.ComparedWith,-11} {expected}: {(report.IsEqual ? "equal" : "NOT EQUAL")}");
        text.Append(CultureInfo.InvariantCulture, $"files       {directory}");
        return text.ToString();
    }
}
