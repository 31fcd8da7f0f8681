using System.Globalization;
using System.Text;
using ActorMlp.Training.Faults;

namespace ActorMlp.Cli.Configuration;

/// <summary>Fault scripts written out as YAML, which <see cref="FaultScriptFile"/> reads.</summary>
internal static class FaultScriptText
{
    public static string ToYaml(FaultScript script)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"seed: {script.Seed}\n");
        text.Append(script.Faults.Count == 0 ? "faults: []\n" : "faults:\n");
        foreach (Fault fault in script.Faults)
        {
            string start = "  - ";
            foreach ((string key, string value) in Entries(fault))
            {
                text.Append(start).Append(key).Append(": ").Append(value).Append('\n');
                start = "    ";
            }
        }

        return text.ToString();
    }

    private static IEnumerable<(string Key, string Value)> Entries(Fault fault)
    {
        yield return ("kind", OptionsReflection.Camel(fault.Kind.ToString()));
        yield return ("at", Describe(fault.At));
        if (fault.Every is { } every)
        {
            yield return ("every", DurationText.Format(every));
        }

        if (fault.Times is { } times)
        {
            yield return ("times", times.ToString(CultureInfo.InvariantCulture));
        }

        if (fault.Target is { } target)
        {
            yield return ("target", target.ToString());
        }

        if (fault.Groups is { } groups)
        {
            yield return ("groups", $"[{string.Join(", ", groups.Select(group => $"[{string.Join(", ", group)}]"))}]");
        }

        foreach ((string key, TimeSpan? time) in new[] { ("duration", fault.Duration), ("restartAfter", fault.RestartAfter), ("by", fault.By) })
        {
            if (time is { } value)
            {
                yield return (key, DurationText.Format(value));
            }
        }

        foreach ((string key, double? number) in new[] { ("factor", fault.Factor), ("rate", fault.Rate) })
        {
            if (number is { } value)
            {
                yield return (key, value.ToString("R", CultureInfo.InvariantCulture));
            }
        }

        if (fault.Plane != FaultPlane.Both)
        {
            yield return ("plane", OptionsReflection.Camel(fault.Plane.ToString()));
        }
    }

    private static string Describe(FaultMoment moment) => moment switch
    {
        { Step: { } step } => string.Create(CultureInfo.InvariantCulture, $"{{step: {step}}}"),
        { Time: { } time } => $"{{time: {DurationText.Format(time)}}}",
        { Random: { } window } => $"{{random: {{from: {DurationText.Format(window.From)}, to: {DurationText.Format(window.To)}}}}}",
        _ => throw new ArgumentException("the moment is not set", nameof(moment)),
    };
}
