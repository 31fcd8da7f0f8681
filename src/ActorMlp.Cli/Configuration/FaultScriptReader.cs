using System.Globalization;
using ActorMlp.Data;
using ActorMlp.Training.Faults;
using YamlDotNet.RepresentationModel;

namespace ActorMlp.Cli.Configuration;

/// <summary>Makes a fault script of YAML, and keeps account of every problem and of the line of every key.</summary>
/// <param name="source">What messages call the script.</param>
internal sealed class FaultScriptReader(string source)
{
    /// <summary>The keys of a script.</summary>
    public static readonly string[] ScriptKeys = ["seed", "faults"];

    /// <summary>The keys of a fault, whatever its kind.</summary>
    public static readonly string[] FaultKeys =
        ["kind", "at", "every", "times", "target", "groups", "duration", "restartAfter", "factor", "by", "rate", "plane"];

    /// <summary>The keys of a moment.</summary>
    public static readonly string[] MomentKeys = ["step", "time", "random"];

    private readonly List<ConfigurationProblem> problems = [];
    private readonly Dictionary<string, int> lines = [];

    /// <summary>The places in the file of the faults that were read.</summary>
    private readonly List<int> places = [];

    /// <summary>What could not be used.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems => problems;

    /// <summary>Words for targets that are no numbers.</summary>
    public static IEnumerable<string> TargetWords => Enum.GetValues<FaultTargetKind>()
        .Where(kind => kind is not FaultTargetKind.Node and not FaultTargetKind.Pair).Select(kind => OptionsReflection.Camel(kind.ToString()));

    /// <summary>A problem of a fault that was read, at its key's line, or its fault's.</summary>
    /// <param name="fault">Which of the script's faults, from 0.</param>
    /// <param name="key">The key within it.</param>
    /// <param name="message">What is wrong.</param>
    public ConfigurationProblem Locate(int fault, string key, string message)
    {
        string whole = $"faults[{places[fault]}].{key}", known = whole;
        while (known.Contains('.') && !lines.ContainsKey(known))
        {
            known = known[..known.LastIndexOf('.')];
        }

        return new ConfigurationProblem(source, lines.TryGetValue(known, out int line) ? line : null, whole, message);
    }

    /// <summary>The script.</summary>
    public FaultScript ReadScript(YamlNode root)
    {
        Dictionary<string, YamlNode> keys = Section(root, "", ScriptKeys, "the keys seed and faults");
        var faults = new List<Fault>();
        ulong seed = keys.TryGetValue("seed", out YamlNode? seedNode)
            ? Value<ulong>(seedNode, "seed", "a whole number from 0", text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null) ?? 0
            : FaultScript.None.Seed;
        if (!keys.TryGetValue("faults", out YamlNode? list))
        {
            if (root is YamlMappingNode)
            {
                Report(root, "faults", "is required: a list of faults");
            }
        }
        else if (list is not YamlSequenceNode sequence)
        {
            Report(list, "faults", "expected a list of faults");
        }
        else
        {
            for (int i = 0; i < sequence.Children.Count; i++)
            {
                if (ReadFault(sequence.Children[i], $"faults[{i}]") is { } fault)
                {
                    faults.Add(fault);
                    places.Add(i);
                }
            }
        }

        return new FaultScript { Seed = seed, Faults = faults };
    }

    private Fault? ReadFault(YamlNode node, string at)
    {
        lines[at] = Line(node);
        Dictionary<string, YamlNode> keys = Section(node, at + ".", FaultKeys, "a fault with the keys kind and at");
        if (node is not YamlMappingNode)
        {
            return null;
        }

        FaultKind? kind = Read("kind", (value, key) => Choice<FaultKind>(value, key));
        FaultMoment? moment = Read("at", ReadMoment);
        foreach (string required in new[] { "kind", "at" }.Where(required => !keys.ContainsKey(required)))
        {
            Report(node, $"{at}.{required}", required == "kind" ? $"is required: {string.Join(", ", Names<FaultKind>())}" : "is required: {step: N}, {time: 3.5s} or {random: {from: 1s, to: 20s}}");
        }

        var fault = new Fault
        {
            Kind = kind ?? FaultKind.Join,
            At = moment ?? FaultMoment.AtTime(TimeSpan.Zero),
            Every = Read("every", Time),
            Times = Read("times", (value, key) => Value<int>(value, key, "a whole number", text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number : null)),
            Target = Read("target", ReadTarget),
            Groups = Read("groups", ReadGroups),
            Duration = Read("duration", Time),
            RestartAfter = Read("restartAfter", Time),
            Factor = Read("factor", Number),
            By = Read("by", Time),
            Rate = Read("rate", Number),
            Plane = Read("plane", (value, key) => Choice<FaultPlane>(value, key)) ?? FaultPlane.Both,
        };
        return kind is null || moment is null ? null : fault;

        T? Read<T>(string key, Func<YamlNode, string, T?> read) =>
            keys.TryGetValue(key, out YamlNode? value) ? read(value, $"{at}.{key}") : default;
    }

    private FaultMoment? ReadMoment(YamlNode node, string at)
    {
        int before = problems.Count;
        Dictionary<string, YamlNode> keys = Section(node, at + ".", MomentKeys, "{step: N}, {time: 3.5s} or {random: {from: 1s, to: 20s}}");
        long? step = keys.TryGetValue("step", out YamlNode? stepNode)
            ? Value<long>(stepNode, $"{at}.step", "a whole number", text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null)
            : null;
        TimeSpan? time = keys.TryGetValue("time", out YamlNode? timeNode) ? Time(timeNode, $"{at}.time") : null;
        FaultWindow? window = null;
        if (keys.TryGetValue("random", out YamlNode? random))
        {
            Dictionary<string, YamlNode> ends = Section(random, $"{at}.random.", ["from", "to"], "{from: 1s, to: 20s}");
            TimeSpan? from = ends.TryGetValue("from", out YamlNode? fromNode) ? Time(fromNode, $"{at}.random.from") : TimeSpan.Zero;
            if (!ends.TryGetValue("to", out YamlNode? toNode) && random is YamlMappingNode)
            {
                Report(random, $"{at}.random.to", "is required: " + DurationText.Expected);
            }

            TimeSpan? to = toNode is null ? null : Time(toNode, $"{at}.random.to");
            window = from is not null && to is not null ? new FaultWindow(from.Value, to.Value) : null;
        }

        return problems.Count > before ? null : new FaultMoment(step, time, window);
    }

    private FaultTarget? ReadTarget(YamlNode node, string key)
    {
        if (node is YamlSequenceNode { Children: [YamlScalarNode { Value: { } one }, YamlScalarNode { Value: { } other }] }
            && IsNode(one, out int first) && IsNode(other, out int second))
        {
            return new FaultTarget(FaultTargetKind.Pair, first, second);
        }

        string? text = (node as YamlScalarNode)?.Value;
        if (text is not null && IsNode(text, out int number))
        {
            return FaultTarget.Of(number);
        }

        if (text is not null && TargetWords.Contains(text))
        {
            return new FaultTarget(Enum.Parse<FaultTargetKind>(text, ignoreCase: true));
        }

        string? nearest = text is null ? null : NearestName.Of(text, TargetWords);
        Report(node, key, $"expected a node's number, {string.Join(", ", TargetWords)}, or for a link a pair such as [0, 1]{Got(text, nearest)}");
        return null;
    }

    private int[][]? ReadGroups(YamlNode node, string key)
    {
        if (node is YamlSequenceNode groups && groups.Children.All(group => group is YamlSequenceNode))
        {
            string?[][] texts = [.. groups.Children.Cast<YamlSequenceNode>().Select(group => group.Children.Select(member => (member as YamlScalarNode)?.Value).ToArray())];
            if (texts.All(group => group.All(text => IsNode(text ?? "", out _))))
            {
                return [.. texts.Select(group => group.Select(text => int.Parse(text!, CultureInfo.InvariantCulture)).ToArray())];
            }
        }

        Report(node, key, "expected groups of nodes such as [[0, 1], [2]]");
        return null;
    }

    private TimeSpan? Time(YamlNode node, string key) => Value(node, key, DurationText.Expected, DurationText.Parse);

    private double? Number(YamlNode node, string key) => Value<double>(
        node, key, "a finite number", text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number : null);

    private T? Choice<T>(YamlNode node, string key)
        where T : struct, Enum
    {
        string? text = (node as YamlScalarNode)?.Value;
        if (text is not null && Names<T>().Contains(text))
        {
            return Enum.Parse<T>(text, ignoreCase: true);
        }

        Report(node, key, $"expected one of {string.Join(", ", Names<T>())}{Got(text, text is null ? null : NearestName.Of(text, Names<T>()))}");
        return null;
    }

    private T? Value<T>(YamlNode node, string key, string expected, Func<string, T?> parse)
        where T : struct
    {
        string? text = (node as YamlScalarNode)?.Value;
        T? value = text is null ? null : parse(text);
        if (value is null)
        {
            Report(node, key, $"expected {expected}{Got(text, null)}");
        }

        return value;
    }

    private Dictionary<string, YamlNode> Section(YamlNode node, string prefix, IReadOnlyList<string> allowed, string expected)
    {
        var found = new Dictionary<string, YamlNode>();
        if (node is not YamlMappingNode mapping)
        {
            Report(node, prefix.TrimEnd('.'), $"expected {expected}");
            return found;
        }

        foreach ((YamlNode keyNode, YamlNode value) in mapping.Children)
        {
            string name = (keyNode as YamlScalarNode)?.Value ?? keyNode.ToString();
            if (allowed.Contains(name))
            {
                lines[prefix + name] = Line(keyNode);
                found[name] = value;
            }
            else
            {
                string? nearest = NearestName.Of(name, allowed);
                Report(keyNode, prefix + name, $"unknown key; {(nearest is null ? "" : $"did you mean '{nearest}'? ")}allowed: {string.Join(", ", allowed)}");
            }
        }

        return found;
    }

    private static string Got(string? text, string? nearest) =>
        $", got {(text is null ? "a list or a section" : $"'{text}'")}{(nearest is null ? "" : $"; did you mean '{nearest}'?")}";

    private static bool IsNode(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static IEnumerable<string> Names<T>()
        where T : struct, Enum => OptionsReflection.EnumNames(typeof(T));

    private static int Line(YamlNode node) => (int)node.Start.Line;

    private void Report(YamlNode node, string key, string message) => problems.Add(new ConfigurationProblem(source, Line(node), key, message));
}
