using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ActorMlp.Cli.Configuration;
using ActorMlp.Cli.Views;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Simulation;
using ActorMlp.Training.Simulation.Planning;
using ActorMlp.Training.Simulation.Sharing;

namespace ActorMlp.Cli.Simulations;

/// <summary>How a simulated run went, for people and for programs.</summary>
/// <param name="request">What was asked.</param>
/// <param name="setup">The run.</param>
/// <param name="speed">How fast nodes are.</param>
/// <param name="result">How it went.</param>
internal sealed class SimulationReport(SimulateRequest request, RunSetup setup, NodeSpeed speed, SimulationResult result)
{
    /// <summary>The most nodes whose links are listed one by one.</summary>
    private const int MostListed = 6;

    private string? Hash => result.Conclusion is null ? null : setup.Network.Layout.Sha256(result.Weights);

    /// <summary>A line for each epoch and what is out of the ordinary, then how it ended.</summary>
    public string ToText()
    {
        var lines = new List<string> { Heading(request, setup, speed) + $", seed {request.Seed}" };
        foreach (RunEvent one in result.Events)
        {
            string? line = one is EpochCompleted epoch ? PlainRunView.EpochLine(epoch.Metrics, setup.Shape.Epochs) : PlainRunView.Notice(one);
            lines.AddRange(line is null ? [] : [line]);
        }

        lines.Add("");
        lines.AddRange(result.Faults.Select(Describe));
        lines.AddRange(result.Faults.Count > 0 ? [""] : []);
        lines.Add(
            $"virtual    {Figures.Seconds(result.Time.TotalSeconds)}, {Figures.Count(result.EventCount)} events"
            + (result.ControlMessagesLost > 0 ? $", {Figures.Count(result.ControlMessagesLost)} control messages lost" : ""));
        lines.AddRange(Links());
        if (result.Conclusion is { } conclusion)
        {
            RunProgress progress = conclusion.Progress;
            lines.Add($"completed  {progress.Step / setup.Shape.StepsPerEpoch} epochs, {Figures.Count(progress.Step)} steps, {Figures.Count(conclusion.SamplesPerSecond)} samples/s of virtual time");
            string of = conclusion.ModelEpoch == setup.Shape.Epochs ? "" : $"  (weights of epoch {conclusion.ModelEpoch})";
            lines.AddRange(progress.Train is { } train ? [$"train      {Figures.Describe(train)}"] : []);
            lines.AddRange(conclusion.Validation is { } validation ? [$"validation {Figures.Describe(validation)}{of}"] : []);
            lines.AddRange(conclusion.Test is { } test ? [$"test       {Figures.Describe(test)}{of}"] : []);
            LedgerSummary ledger = progress.Ledger;
            lines.Add($"ledger     {Figures.Count(ledger.ShardsCommitted)} shards committed, {ledger.ShardsReissued} dealt again, {ledger.DuplicatesDropped} duplicates dropped");
            if (result.Shares is { } shares)
            {
                lines.Add($"updates    {Figures.Count(result.Updates.Count)} in the log, of {shares} workers' shares; {(result.Violation is null ? "a replay of it gives these weights" : "a replay of it differs")}");
            }

            lines.Add($"weights SHA-256 {Hash}");
        }

        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>One object on one line.</summary>
    public string ToJson() => new JsonObject
    {
        ["nodes"] = request.Nodes,
        ["servers"] = request.Servers ?? request.Nodes,
        ["link"] = LinkText.Format(request.Link),
        ["samplesPerSecondOfANode"] = speed.SamplesPerSecond,
        ["seed"] = request.Seed,
        ["violation"] = result.Violation,
        ["virtualSeconds"] = result.Time.TotalSeconds,
        ["events"] = result.EventCount,
        ["controlMessagesLost"] = result.ControlMessagesLost,
        ["steps"] = result.Conclusion?.Progress.Step,
        ["rewound"] = result.Events.OfType<RunRewound>().Count(),
        ["test"] = JsonSerializer.SerializeToNode(result.Conclusion?.Test, RunOptionsJson.Settings),
        ["faults"] = new JsonArray([.. result.Faults.Select(fault => (JsonNode)new JsonObject
        {
            ["seconds"] = fault.At.TotalSeconds,
            ["step"] = fault.Step,
            ["kind"] = OptionsReflection.Camel(fault.Fault.Kind.ToString()),
            ["nodes"] = new JsonArray([.. fault.Processes.Select(process => (JsonNode)process)]),
            ["skipped"] = fault.Skipped,
        })]),
        ["links"] = new JsonArray([.. Ordered().Select(pair => (JsonNode)new JsonObject
        {
            ["from"] = Name(pair.Key.From),
            ["to"] = Name(pair.Key.To),
            ["bulkBytes"] = pair.Value.Bulk,
            ["controlBytes"] = pair.Value.Control,
        })]),
        ["updates"] = result.Shares is null ? null : result.Updates.Count,
        ["weightsSha256"] = Hash,
    }.ToJsonString();

    /// <summary>What is simulated.</summary>
    public static string Heading(SimulateRequest request, RunSetup setup, NodeSpeed speed) =>
        $"{Run(setup)}; simulated on {Figures.Count(request.Nodes)} nodes, {Figures.Count(request.Servers ?? request.Nodes)} parameter servers, {LinkText.Format(request.Link)}, "
            + $"{Figures.Count(speed.SamplesPerSecond)} samples/s a node ({(speed.IsMeasured ? "measured" : "assumed")})";

    /// <summary>What is simulated on one machine.</summary>
    public static string Heading(SimulateRequest request, RunSetup setup, ClusterPlan plan)
    {
        MachineModel machine = plan.Machine!;
        MessageCosts costs = machine.Costs;
        string Microseconds(TimeSpan time) => Figures.Number(Math.Round(time.TotalMicroseconds, 1)) + " us";
        string found = request.Speed is null ? "measured" : "assumed";
        double speed = plan.RowsPerStep / plan.Shape.Shards / plan.ShardTime.TotalSeconds;
        return $"{Run(setup)}; simulated as {Figures.Count(plan.Nodes)} processes of {Figures.Count(machine.Threads)} compute threads on {Figures.Count(machine.Cores)} cores"
            + Environment.NewLine
            + $"{found,-10} {Figures.Count(Math.Round(speed))} samples/s a process that has its cores, ± {Figures.Percent(plan.Noise)}; update {Microseconds(plan.UpdateTime)}; "
            + $"a bulk frame {Microseconds(costs.Frame)} and {Microseconds(costs.Megabyte)} a MB at each end, {Microseconds(costs.CopyingMegabyte)} a MB to stage weights, {Microseconds(costs.WritingMegabyte)} a MB to write a checkpoint, "
            + $"a control message {Microseconds(costs.ControlMessage)} at each end, {Microseconds(costs.WakingPool)} to wake a pool, {Microseconds(costs.TellingActor)} to tell an actor, "
            + $"{Figures.Percent(costs.Background)} of a core for a process that does nothing";
    }

    private static string Run(RunSetup setup)
    {
        IEnumerable<int> sizes = [setup.Network.Spec.Inputs, .. setup.Network.Layout.Layers.Select(layer => layer.Units)];
        return $"{setup.Options.Name}: {string.Join("-", sizes)}, {Figures.Count(setup.Network.Layout.ParameterCount)} parameters, {Figures.Count(setup.Data.Training.Rows)} training rows";
    }

    /// <summary>Bytes as people read them.</summary>
    public static string Bytes(double bytes) => bytes switch
    {
        >= 1e9 => Figures.Number(Math.Round(bytes / 1e9, 2)) + " GB",
        >= 1e6 => Figures.Number(Math.Round(bytes / 1e6, 2)) + " MB",
        _ => Figures.Number(Math.Round(bytes / 1e3, 1)) + " kB",
    };

    /// <summary>What a fault did, in a line.</summary>
    public static string Describe(StruckFault fault)
    {
        string whom = fault.Processes.Count > 0 ? $" of node {string.Join(", ", fault.Processes)}" : "";
        return $"{Figures.Number(Math.Round(fault.At.TotalSeconds, 3)),9} s  step {fault.Step,5}  {OptionsReflection.Camel(fault.Fault.Kind.ToString())}{whom}"
            + (fault.Skipped is { } reason ? $"  not done: {reason}" : "");
    }

    private static string Name(int process) => process == ClusterSimulation.Keeper ? "keeper" : $"{process}";

    private IEnumerable<KeyValuePair<(int From, int To), LinkTraffic>> Ordered() => result.Traffic.OrderBy(pair => pair.Key);

    private IEnumerable<string> Links()
    {
        KeyValuePair<(int From, int To), LinkTraffic>[] all = [.. Ordered()];
        if (request.Nodes <= MostListed)
        {
            foreach (IGrouping<int, KeyValuePair<(int From, int To), LinkTraffic>> sender in all.GroupBy(pair => pair.Key.From))
            {
                var line = new StringBuilder($"sent by {Name(sender.Key),-6}");
                foreach (((int _, int to), LinkTraffic traffic) in sender)
                {
                    line.Append($"  to {Name(to)} {Bytes(traffic.Bulk)} + {Bytes(traffic.Control)}");
                }

                yield return line.ToString();
            }

            yield return "           (gradients, weights and state + control messages)";
        }
        else if (all.Where(pair => pair.Key is { From: >= 0, To: >= 0 }).Select(pair => pair.Value.Bulk).ToArray() is { Length: > 0 } bulk)
        {
            yield return $"links      {Bytes(bulk.Min())} to {Bytes(bulk.Max())} between two nodes, {Bytes(bulk.Sum())} in all; --json lists them";
        }
    }
}
