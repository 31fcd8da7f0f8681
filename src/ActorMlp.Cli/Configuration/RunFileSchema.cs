using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json.Nodes;
using ActorMlp.Training.Configuration;

namespace ActorMlp.Cli.Configuration;

/// <summary>The JSON schema of run files, made from the option records; editors complete and check run files with it.</summary>
internal static class RunFileSchema
{
    public static string Generate()
    {
        JsonObject schema = Section(typeof(RunOptions), new RunOptions());
        schema.Insert(0, "$schema", "http://json-schema.org/draft-07/schema#");
        schema.Insert(1, "title", "ActorMlp run file");
        return schema.ToJsonString(RunOptionsJson.Indented) + "\n";
    }

    private static JsonObject Section(Type type, object defaults)
    {
        var properties = new JsonObject();
        foreach (PropertyInfo property in OptionsReflection.Properties(type))
        {
            object? value = property.GetValue(defaults);
            JsonObject schema = OptionsReflection.IsSection(property.PropertyType)
                ? Section(property.PropertyType, value!)
                : Value(property, value);
            schema.Insert(0, "description", property.GetCustomAttribute<DescriptionAttribute>()!.Description);
            properties[OptionsReflection.Key(property)] = schema;
        }

        return new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
    }

    private static JsonObject Value(PropertyInfo property, object? value)
    {
        RangeAttribute? range = property.GetCustomAttribute<RangeAttribute>();
        JsonObject schema;
        if (OptionsReflection.ElementType(property.PropertyType) is { } element)
        {
            schema = new JsonObject
            {
                ["oneOf"] = new JsonArray(
                    Scalar(element, range),
                    new JsonObject { ["type"] = "array", ["items"] = Scalar(element, range) }),
            };
        }
        else
        {
            schema = Scalar(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, range);
        }

        bool required = property.GetCustomAttribute<RequiredAttribute>() is not null;
        if (value is not null && !required)
        {
            schema["default"] = value is IList list
                ? new JsonArray([.. list.Cast<object>().Select(Literal)])
                : Literal(value);
        }

        return schema;
    }

    private static JsonObject Scalar(Type type, RangeAttribute? range)
    {
        JsonObject schema = type switch
        {
            _ when type.IsEnum => new JsonObject { ["enum"] = new JsonArray([.. OptionsReflection.EnumNames(type).Select(name => (JsonNode)name)]) },
            _ when type == typeof(bool) => new JsonObject { ["type"] = "boolean" },
            _ when type == typeof(string) => new JsonObject { ["type"] = "string" },
            _ when type == typeof(double) => new JsonObject { ["type"] = "number" },
            _ => new JsonObject { ["type"] = "integer" },
        };
        if (range is not null)
        {
            schema["minimum"] = Literal(range.Minimum);
            schema["maximum"] = Literal(range.Maximum);
        }
        else if (type == typeof(ulong))
        {
            schema["minimum"] = 0;
        }

        return schema;
    }

    private static JsonNode Literal(object value) => value switch
    {
        Enum choice => OptionsReflection.Camel(choice.ToString()),
        bool flag => flag,
        int number => number,
        ulong number => number,
        double number => number,
        _ => value.ToString()!,
    };
}
