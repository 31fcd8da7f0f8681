namespace ActorMlp.Data;

/// <summary>Data that cannot be used. The message says what is wrong, where (file, line, column) and what is allowed; a line per problem.</summary>
public sealed class DataException : Exception
{
    /// <summary>One or more problems.</summary>
    public DataException(IReadOnlyList<string> problems)
        : base(string.Join(Environment.NewLine, problems))
    {
        Problems = problems;
    }

    /// <summary>One problem.</summary>
    public DataException(string problem)
        : this([problem])
    {
    }

    /// <summary>The problems, one line each.</summary>
    public IReadOnlyList<string> Problems { get; }
}
