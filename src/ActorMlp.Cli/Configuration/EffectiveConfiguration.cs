using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Cli.Configuration;

/// <summary>Options written out as a run file, every value included: what a run really ran with.</summary>
internal static class EffectiveConfiguration
{
    public static string ToYaml(RunOptions options)
    {
        var text = new StringBuilder("# The run file as it took effect, defaults and overrides included.\n");
        Write(text, options, 0);
        return text.ToString();
    }

    private static void Write(StringBuilder text, object section, int depth)
    {
        foreach (PropertyInfo property in OptionsReflection.Properties(section.GetType()))
        {
            object? value = property.GetValue(section);
            if (value is null)
            {
                continue;
            }

            text.Append(' ', 2 * depth).Append(OptionsReflection.Key(property)).Append(':');
            if (OptionsReflection.IsSection(property.PropertyType))
            {
                text.Append('\n');
                Write(text, value, depth + 1);
            }
            else
            {
                text.Append(' ').Append(value is IList list ? $"[{string.Join(", ", list.Cast<object>().Select(Scalar))}]" : Scalar(value)).Append('\n');
            }
        }
    }

    private static string Scalar(object value) => value switch
    {
        string text => JsonSerializer.Serialize(text, RunOptionsJson.Settings),
        bool flag => flag ? "true" : "false",
        Enum choice => OptionsReflection.Camel(choice.ToString()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException($"options of type {value.GetType()} cannot be written as YAML"),
    };
}
