using System.Reflection;
using System.Text.Json;

namespace ActorMlp.Cli.Configuration;

/// <summary>Option records, seen as YAML sees them: keys are camelCase property names, sections are records.</summary>
internal static class OptionsReflection
{
    public static IEnumerable<PropertyInfo> Properties(Type section) =>
        section.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite);

    public static string Key(PropertyInfo property) => Camel(property.Name);

    public static string Camel(string name) => JsonNamingPolicy.CamelCase.ConvertName(name);

    public static bool IsSection(Type type) =>
        type is { IsClass: true } && type.Namespace?.EndsWith(".Configuration", StringComparison.Ordinal) == true;

    /// <summary>The type of a list's elements; null for what is no list.</summary>
    public static Type? ElementType(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    public static IEnumerable<string> EnumNames(Type type) => Enum.GetNames(type).Select(Camel);
}
