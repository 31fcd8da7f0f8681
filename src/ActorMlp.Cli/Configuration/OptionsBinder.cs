using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using ActorMlp.Data;
using ActorMlp.Training.Configuration;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ActorMlp.Cli.Configuration;

/// <summary>Fills option records from YAML and keeps account of every problem and of the line of every key.</summary>
internal sealed class OptionsBinder
{
    /// <summary>What the parser means when it throws <see cref="InvalidOperationException"/>, which has no position.</summary>
    public const string Unclosed = "is no valid YAML: a bracket, brace or quote is opened and not closed";

    private readonly List<ConfigurationProblem> problems = [];
    private readonly Dictionary<string, (string Source, int? Line)> places = [];

    /// <summary>What could not be used.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems => problems;

    /// <summary>Reports a problem at the place where its key (or the nearest section around it) was set.</summary>
    public void Report(string key, string message, string source)
    {
        string known = key.Split('[')[0];
        while (known.Length > 0 && !places.ContainsKey(known))
        {
            known = known.Contains('.') ? known[..known.LastIndexOf('.')] : "";
        }

        (string Source, int? Line) place = places.TryGetValue(known, out (string, int?) found) ? found : (source, null);
        problems.Add(new ConfigurationProblem(place.Source, place.Line, key, message));
    }

    /// <summary>Binds a whole run file.</summary>
    public void BindFile(RunOptions options, string text, string source)
    {
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(text));
            if (yaml.Documents.Count > 1)
            {
                problems.Add(new ConfigurationProblem(source, null, "", "has more than one YAML document; expected one"));
            }
            else if (yaml.Documents.Count == 1 && !IsNull(yaml.Documents[0].RootNode))
            {
                BindSection(options, yaml.Documents[0].RootNode, "", source, keepLines: true);
            }
        }
        catch (YamlException exception)
        {
            problems.Add(new ConfigurationProblem(source, (int)exception.Start.Line, "", $"is no valid YAML: {exception.Message}"));
        }
        catch (InvalidOperationException)
        {
            problems.Add(new ConfigurationProblem(source, null, "", Unclosed));
        }
    }

    /// <summary>Binds one override, <c>key=value</c>; the value is YAML.</summary>
    public void BindOverride(RunOptions options, string assignment)
    {
        string source = $"--set {assignment}";
        int equals = assignment.IndexOf('=');
        if (equals <= 0)
        {
            problems.Add(new ConfigurationProblem(source, null, "", "expected key=value, such as training.epochs=5"));
            return;
        }

        BindValue(options, assignment[..equals], assignment[(equals + 1)..], source);
    }

    /// <summary>Binds a value that an option of the command line gives.</summary>
    public void BindValue(RunOptions options, string key, string value, string source)
    {
        object section = options;
        string[] path = key.Split('.');
        for (int i = 0; i < path.Length; i++)
        {
            string prefix = string.Concat(path.Take(i).Select(part => part + "."));
            if (FindProperty(section.GetType(), path[i], prefix, source, null) is not { } property)
            {
                return;
            }

            if (i < path.Length - 1 && OptionsReflection.IsSection(property.PropertyType))
            {
                section = property.GetValue(section)!;
            }
            else if (i < path.Length - 1)
            {
                problems.Add(new ConfigurationProblem(source, null, key, $"{prefix}{path[i]} is a value, not a section"));
                return;
            }
            else
            {
                SetFromText(section, property, key, value, source);
            }
        }
    }

    private static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any, Value: null or "" or "~" or "null" };

    private void SetFromText(object section, PropertyInfo property, string key, string value, string source)
    {
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(value));
            YamlNode node = yaml.Documents.Count == 0 ? new YamlScalarNode("") : yaml.Documents[0].RootNode;
            places[key] = (source, null);
            SetProperty(section, property, node, key, source, keepLines: false);
        }
        catch (YamlException exception)
        {
            problems.Add(new ConfigurationProblem(source, null, key, $"is no valid YAML value: {exception.Message}"));
        }
        catch (InvalidOperationException)
        {
            problems.Add(new ConfigurationProblem(source, null, key, Unclosed));
        }
    }

    private void BindSection(object section, YamlNode node, string prefix, string source, bool keepLines)
    {
        if (node is not YamlMappingNode mapping)
        {
            problems.Add(new ConfigurationProblem(source, Line(node), prefix.TrimEnd('.'), "expected a section with keys"));
            return;
        }

        foreach ((YamlNode keyNode, YamlNode value) in mapping.Children)
        {
            string name = (keyNode as YamlScalarNode)?.Value ?? keyNode.ToString();
            if (FindProperty(section.GetType(), name, prefix, source, Line(keyNode)) is { } property)
            {
                string key = prefix + name;
                places[key] = (source, keepLines ? Line(keyNode) : null);
                SetProperty(section, property, value, key, source, keepLines);
            }
        }
    }

    private PropertyInfo? FindProperty(Type section, string name, string prefix, string source, int? line)
    {
        PropertyInfo[] properties = [.. OptionsReflection.Properties(section)];
        PropertyInfo? property = properties.FirstOrDefault(candidate => OptionsReflection.Key(candidate) == name);
        if (property is null)
        {
            string[] keys = [.. properties.Select(OptionsReflection.Key)];
            string? nearest = NearestName.Of(name, keys);
            problems.Add(new ConfigurationProblem(
                source,
                line,
                prefix + name,
                $"unknown key; {(nearest is null ? "" : $"did you mean '{nearest}'? ")}allowed: {string.Join(", ", keys)}"));
        }

        return property;
    }

    private void SetProperty(object section, PropertyInfo property, YamlNode node, string key, string source, bool keepLines)
    {
        if (IsNull(node))
        {
            return;
        }

        if (OptionsReflection.IsSection(property.PropertyType))
        {
            BindSection(property.GetValue(section)!, node, key + ".", source, keepLines);
        }
        else if (OptionsReflection.ElementType(property.PropertyType) is { } element)
        {
            SetList(section, property, element, node, key, source);
        }
        else if (Convert(node, property.PropertyType, property, key, source) is { } value)
        {
            property.SetValue(section, value);
        }
    }

    private void SetList(object section, PropertyInfo property, Type element, YamlNode node, string key, string source)
    {
        IList<YamlNode> items = node is YamlSequenceNode sequence ? sequence.Children : [node];
        var values = Array.CreateInstance(element, items.Count);
        bool whole = true;
        for (int i = 0; i < items.Count; i++)
        {
            object? value = Convert(items[i], element, property, node is YamlSequenceNode ? $"{key}[{i}]" : key, source);
            whole &= value is not null;
            if (value is not null)
            {
                values.SetValue(value, i);
            }
        }

        if (whole)
        {
            property.SetValue(section, values);
        }
    }

    /// <summary>A scalar as a value of a type, or null after the problem was reported.</summary>
    private object? Convert(YamlNode node, Type type, PropertyInfo property, string key, string source)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        int? line = places.TryGetValue(key.Split('[')[0], out (string, int? Line) place) && place.Line is not null ? Line(node) : null;
        if (node is not YamlScalarNode { Value: { } text })
        {
            problems.Add(new ConfigurationProblem(source, line, key, $"expected {Expected(plain)}, got {(node is YamlMappingNode ? "a section" : "a list")}"));
            return null;
        }

        object? value = Parse(text, plain);
        if (value is null)
        {
            string? nearest = plain.IsEnum ? NearestName.Of(text, OptionsReflection.EnumNames(plain)) : null;
            problems.Add(new ConfigurationProblem(
                source, line, key, $"expected {Expected(plain)}, got '{text}'{(nearest is null ? "" : $"; did you mean '{nearest}'?")}"));
            return null;
        }

        if (property.GetCustomAttribute<RangeAttribute>() is { } range && RunOptionsValidator.OutOfRange(range, value) is { } outside)
        {
            problems.Add(new ConfigurationProblem(source, line, key, outside));
            return null;
        }

        return value;
    }

    private static object? Parse(string text, Type type)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        return type switch
        {
            _ when type == typeof(string) => text,
            _ when type == typeof(bool) => text switch { "true" => true, "false" => false, _ => null },
            _ when type == typeof(int) => int.TryParse(text, NumberStyles.AllowLeadingSign, culture, out int number) ? number : null,
            _ when type == typeof(ulong) => ulong.TryParse(text, NumberStyles.None, culture, out ulong number) ? number : null,
            _ when type == typeof(double) => double.TryParse(text, NumberStyles.Float, culture, out double number) && double.IsFinite(number) ? number : null,
            _ when type.IsEnum => Enum.GetNames(type).FirstOrDefault(name => OptionsReflection.Camel(name) == text) is { } name ? Enum.Parse(type, name) : null,
            _ => throw new NotSupportedException($"options of type {type} cannot be read from YAML"),
        };
    }

    private static string Expected(Type type) => type switch
    {
        _ when type == typeof(string) => "text",
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(int) => "a whole number",
        _ when type == typeof(ulong) => "a whole number from 0 to 18446744073709551615",
        _ when type == typeof(double) => "a finite number",
        _ => "one of " + string.Join(", ", OptionsReflection.EnumNames(type)),
    };

    private static int Line(YamlNode node) => (int)node.Start.Line;
}
