namespace ActorMlp.Cli;

/// <summary>How the command ends.</summary>
internal static class ExitCode
{
    /// <summary>It did what it was asked.</summary>
    public const int Success = 0;

    /// <summary>A run that had begun failed.</summary>
    public const int Failed = 1;

    /// <summary>Usage, configuration or data are wrong; nothing was begun.</summary>
    public const int BadInput = 2;
}
