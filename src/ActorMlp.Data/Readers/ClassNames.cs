using System.Globalization;
using ActorMlp.Data.Configuration;

namespace ActorMlp.Data.Readers;

/// <summary>Classes, from their names in the training file to labels.</summary>
internal static class ClassNames
{
    /// <summary>Classes that a run may have at most.</summary>
    public const int Most = 10_000;

    /// <summary>The classes in the order of their labels: in numeric order if all are whole numbers, else in ordinal order.</summary>
    /// <param name="names">The names that the training file has, each once.</param>
    /// <param name="options">The section <c>data</c>.</param>
    /// <exception cref="DataException">There are too few or too many.</exception>
    public static string[] InOrder(IReadOnlyCollection<string> names, DataOptions options)
    {
        bool numeric = names.All(name => long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _));
        string[] classes = numeric
            ? [.. names.OrderBy(name => long.Parse(name, CultureInfo.InvariantCulture)).ThenBy(name => name, StringComparer.Ordinal)]
            : [.. names.Order(StringComparer.Ordinal)];
        string column = options.Target is null ? "" : $", column '{options.Target}'";
        return classes.Length switch
        {
            < 2 => throw new DataException($"{options.Train}{column}: every row is of class '{classes[0]}'; classification needs at least two"),
            > Most => throw new DataException($"{options.Train}{column}: has {classes.Length} classes, at most {Most} are allowed; is data.task: regression meant?"),
            _ => classes,
        };
    }

    /// <summary>Labels by name.</summary>
    public static Dictionary<string, int> Labels(IReadOnlyList<string> classes) =>
        classes.Select((name, label) => (name, label)).ToDictionary(entry => entry.name, entry => entry.label);

    /// <summary>What to say of a row whose class the training rows do not have.</summary>
    public static DataException Unknown(string file, int row, string name, IReadOnlyList<string> classes) =>
        new($"{file}: row {row + 1} is of class '{name}', which the training rows do not have; they have {string.Join(", ", classes.Take(20))}");
}
