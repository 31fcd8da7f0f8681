using System.Globalization;

namespace ActorMlp.Training.Faults;

/// <summary>A rule of fault scripts that is broken.</summary>
/// <param name="Fault">Which fault, from 0.</param>
/// <param name="Key">Its key.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
public sealed record FaultProblem(int Fault, string Key, string Message);

/// <summary>The rules of fault scripts.</summary>
public static class FaultScriptValidator
{
    /// <summary>The longest time that a script may name.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    private static readonly string[] Common = ["kind", "at", "every", "times"];

    /// <summary>Every rule that is broken.</summary>
    public static IReadOnlyList<FaultProblem> Check(FaultScript script) =>
        [.. script.Faults.SelectMany((fault, i) => Check(fault).Select(problem => new FaultProblem(i, problem.Key, problem.Message)))];

    private static IEnumerable<(string Key, string Message)> Check(Fault fault)
    {
        FaultRules rules = FaultRules.Of(fault.Kind);
        string kind = Camel(fault.Kind.ToString());
        foreach ((string key, bool given) in Given(fault))
        {
            if (given && !rules.Takes(key))
            {
                IEnumerable<string> allowed = Common.Concat(rules.Required).Concat(rules.Optional);
                yield return (key, $"has no meaning for {kind}; allowed: {string.Join(", ", allowed)}");
            }
            else if (!given && rules.Required.Contains(key))
            {
                yield return (key, $"is required for {kind}");
            }
        }

        foreach ((string, string) problem in CheckMoment(fault).Concat(CheckTarget(fault, rules, kind)).Concat(CheckValues(fault)))
        {
            yield return problem;
        }
    }

    private static IEnumerable<(string Key, bool Given)> Given(Fault fault) =>
    [
        ("target", fault.Target is not null), ("groups", fault.Groups is not null), ("duration", fault.Duration is not null),
        ("restartAfter", fault.RestartAfter is not null), ("factor", fault.Factor is not null), ("by", fault.By is not null),
        ("rate", fault.Rate is not null), ("plane", fault.Plane != FaultPlane.Both),
    ];

    private static IEnumerable<(string Key, string Message)> CheckMoment(Fault fault)
    {
        FaultMoment at = fault.At;
        if ((at.Step is null ? 0 : 1) + (at.Time is null ? 0 : 1) + (at.Random is null ? 0 : 1) != 1)
        {
            yield return ("at", "expected exactly one of step, time, random");
        }

        if (at.Step is < 1)
        {
            yield return ("at.step", $"is {at.Step}; allowed: 1 and more");
        }

        if (at.Time is { } time && (time < TimeSpan.Zero || time > Longest))
        {
            yield return ("at.time", $"is {Seconds(time)}; allowed: 0 s to 7 days");
        }

        if (at.Random is { } window && (window.From < TimeSpan.Zero || window.To <= window.From || window.To > Longest))
        {
            yield return ("at.random", $"is from {Seconds(window.From)} to {Seconds(window.To)}; expected 0 s or more, and 'to' after 'from'");
        }

        if (fault.Times is { } times && fault.Every is null)
        {
            yield return ("times", $"is {times} without 'every'; expected both, or neither");
        }
        else if (fault.Times is < 1 or > 1_000_000)
        {
            yield return ("times", $"is {fault.Times}; allowed: 1 to 1000000");
        }

        if (fault.Every is { } every && (every < TimeSpan.FromMilliseconds(1) || every > Longest))
        {
            yield return ("every", $"is {Seconds(every)}; allowed: 1 ms to 7 days");
        }
    }

    private static IEnumerable<(string Key, string Message)> CheckTarget(Fault fault, FaultRules rules, string kind)
    {
        if (fault.Target is { } target && rules.Takes("target"))
        {
            if (!rules.Targets.Contains(target.Kind))
            {
                yield return ("target", $"is {target}; allowed for {kind}: {string.Join(", ", rules.Targets.Select(Describe))}");
            }
            else if (target.Node < 0 || target.Other < 0)
            {
                yield return ("target", $"is {target}; nodes are numbered from 0");
            }
            else if (target.Kind == FaultTargetKind.Pair && target.Node == target.Other)
            {
                yield return ("target", $"is {target}; a link is between two nodes");
            }
        }

        if (fault.Kind == FaultKind.Partition && fault.Target is null == fault.Groups is null)
        {
            yield return ("groups", "expected either groups, or a target that is cut off alone");
        }

        if (fault.Groups is { } groups)
        {
            int[] all = [.. groups.SelectMany(group => group)];
            if (groups.Count < 2 || groups.Any(group => group.Count == 0))
            {
                yield return ("groups", "expected at least two groups, each with a node");
            }
            else if (all.Distinct().Count() != all.Length || all.Min() < 0)
            {
                yield return ("groups", "expected each node once, by its number from 0");
            }
        }
    }

    private static IEnumerable<(string Key, string Message)> CheckValues(Fault fault)
    {
        foreach ((string key, TimeSpan? value, bool zero) in new[] { ("duration", fault.Duration, false), ("by", fault.By, false), ("restartAfter", fault.RestartAfter, true) })
        {
            if (value is { } time && (time < TimeSpan.Zero || (!zero && time == TimeSpan.Zero) || time > Longest))
            {
                yield return (key, $"is {Seconds(time)}; allowed: {(zero ? "0 s" : "more than 0 s")} to 7 days");
            }
        }

        if (fault.Factor is { } factor && !(factor is >= 1 and <= 1e6))
        {
            yield return ("factor", string.Create(CultureInfo.InvariantCulture, $"is {factor}; allowed: 1 to 1000000"));
        }

        if (fault.Rate is { } rate && !(rate is > 0 and <= 1))
        {
            yield return ("rate", string.Create(CultureInfo.InvariantCulture, $"is {rate}; allowed: above 0, up to 1"));
        }
    }

    private static string Describe(FaultTargetKind kind) => kind switch
    {
        FaultTargetKind.Node => "a node's number",
        FaultTargetKind.Pair => "a pair of nodes as [0, 1]",
        _ => Camel(kind.ToString()),
    };

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.######} s");
}
